package import Encoding
import HTTPTypes
package import KeyRelease
import ServiceKit

/// Lets time pass; tests let none pass.
package protocol Pause: Sendable {
    func wait(_ duration: Duration) async
}

/// The real thing; a cancelled task does not wait.
package struct SystemPause: Pause {
    package init() {}

    package func wait(_ duration: Duration) async {
        do { try await Task.sleep(for: duration) } catch {}
    }
}

/// GET with two more tries where the other side is in trouble.
///
/// - Source: sidecars page section 5, last paragraph.
package struct RetryingFetcher: Sendable {
    private static let retries = 2
    /// Certificates are a few KB; nothing that is longer is one.
    private static let maximumBytes = 1 << 20

    let web: any WebClient
    private let pause: any Pause
    private let randomness: Randomness

    package init(web: any WebClient, pause: any Pause = SystemPause(), randomness: Randomness = .system) {
        self.web = web
        self.pause = pause
        self.randomness = randomness
    }

    /// The body of an answer with status 200.
    ///
    /// - Throws: `unavailable`.
    func get(_ url: String, headers: HTTPFields = [:]) async throws(Refusal) -> [UInt8] {
        var attempt = 0
        while true {
            let problem: Refusal
            do throws(Refusal) {
                let answer = try await web.send(
                    .get, url, headers: headers, body: nil, maximumBytes: Self.maximumBytes, timeout: .seconds(15))
                if answer.status == 200 { return answer.body }
                problem = Refusal(.unavailable, "http response status equal to \(answer.status)")
                if answer.status < 500, ![408, 429].contains(answer.status) { attempt = Self.retries }
            } catch {
                problem = error
            }
            guard attempt < Self.retries else { throw problem }
            attempt += 1
            await pause.wait(.milliseconds(delay(before: attempt)))
        }
    }

    /// Milliseconds, at random below 10 to the power of the attempt in seconds.
    private func delay(before attempt: Int) -> Int64 {
        let limit: UInt64 = attempt == 1 ? 10_000 : 100_000
        let random = randomness.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int64(random % limit)
    }
}
