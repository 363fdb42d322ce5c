import Collateral
import Encoding
import Synchronization

/// A service that answers what a test says, and remembers what it was asked.
final class FakeService: CollateralTransport {
    enum Answer: Sendable {
        case response(CollateralResponse)
        case silence
    }

    private struct State {
        var answers: [String: Answer] = [:]
        var asked: [String] = []
    }

    private let state = Mutex(State())
    private let gate: Gate?

    /// - Parameter gate: what every request passes before it is answered.
    init(gate: Gate? = nil) {
        self.gate = gate
    }

    /// By the URL that is asked for; other URLs answer 404.
    subscript(url: String) -> Answer? {
        get { state.withLock { $0.answers[url] } }
        set { state.withLock { $0.answers[url] = newValue } }
    }

    /// Answers every URL of a service alike.
    func answerAll(_ answer: Answer) {
        state.withLock { state in
            for url in state.answers.keys { state.answers[url] = answer }
        }
    }

    func add(_ answers: [String: CollateralResponse]) {
        state.withLock { state in
            for (url, response) in answers { state.answers[url] = .response(response) }
        }
    }

    /// Every URL that was asked for, in order.
    var asked: [String] { state.withLock { $0.asked } }

    func get(_ url: String) async throws(Refusal) -> CollateralResponse {
        state.withLock { $0.asked.append(url) }
        await gate?.pass()
        switch state.withLock({ $0.answers[url] }) {
        case .response(let response): return response
        case .silence: throw Refusal(RefusalCode("unavailable", status: 503), "no answer in time")
        case nil: return CollateralResponse(status: 404)
        }
    }
}

/// Holds requests until it is opened.
actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    func pass() async {
        guard !isOpen else { return }
        await withCheckedContinuation { continuation in
            waiting.append(continuation)
            for watcher in watchers where waiting.count >= watcher.count { watcher.continuation.resume() }
            watchers.removeAll { waiting.count >= $0.count }
        }
    }

    /// Returns when `count` requests wait.
    func arrivals(_ count: Int) async {
        guard waiting.count < count else { return }
        await withCheckedContinuation { watchers.append((count, $0)) }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}

/// A clock that a test sets.
final class SetClock: Sendable {
    private let time: Mutex<Timestamp>
    init(_ time: Timestamp) { self.time = Mutex(time) }
    var wall: WallClock { WallClock { self.time.withLock { $0 } } }
    var now: Timestamp { time.withLock { $0 } }
    func set(_ new: Timestamp) { time.withLock { $0 = new } }
    func advance(_ seconds: Int64) { time.withLock { $0 = $0 + seconds } }
}

/// Every byte of a header value as services send it.
func percentEncoded(_ text: String) -> String {
    text.utf8.map { byte in
        let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        return isPlain ? String(decoding: [byte], as: UTF8.self) : "%" + Hex.encode([byte]).uppercased()
    }.joined()
}

/// The code and the text of the refusal that `body` throws; nil when it throws none.
func refusal(_ body: () async throws -> Void) async -> Refusal? {
    do {
        try await body()
        return nil
    } catch { return error as? Refusal }
}
