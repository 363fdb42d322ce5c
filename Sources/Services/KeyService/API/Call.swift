import Encoding
import ServiceKit
import Synchronization

/// One request with what was already read from it.
struct Call: Sendable {
    let request: ServerRequest
    let endpoint: KeyEndpoint
    let api: APIVersion
    let bytes: [UInt8]

    func body() throws(APIError) -> KeyBody { try KeyBody(parsing: bytes) }
}

/// Lets so many events through in each minute.
final class RateLimit: Sendable {
    private let limit: Int
    private let clock: WallClock
    private let state = Mutex<(minute: Int64, count: Int)>((0, 0))

    init(perMinute limit: Int, clock: WallClock) {
        self.limit = limit
        self.clock = clock
    }

    func allowsOneMore() -> Bool {
        let minute = clock.now().seconds / 60
        return state.withLock { state in
            if state.minute != minute { state = (minute, 0) }
            state.count += 1
            return state.count <= limit
        }
    }
}
