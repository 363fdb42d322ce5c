package import Encoding
package import Evidence
import Synchronization

/// Collateral from the vendors' services, each item proven before it is kept, and kept for every process that shares the
/// cache.
///
/// - An item is answered from memory, else from the cache, else fetched. Only what is proven up to `anchors` and holds at
///   the time of fetching is kept, and it never gives way to something that was issued earlier.
/// - An item is fetched anew seven days after it was fetched, and when no more than a sixth of its validity, at most seven
///   days, remains. Nobody waits for that: the kept item is answered until it ends, whether or not the service answers.
/// - One request is in flight for an item, whoever asks; at most 64 in all.
/// - A service that answers 429 or 503, or not at all, is left alone, and so is an item for which there was another
///   answer that cannot be used: for as long as `Retry-After` says, else for 10 seconds, doubled up to 15 minutes.
///   Without an item that holds, callers are refused meanwhile, with the moment at which asking makes sense again.
package final class CollateralClient: CollateralSource {
    /// An item in memory.
    struct Held: Sendable {
        var proven: CollateralItem.Proven
        /// When it was fetched or imported, by this process or another.
        var fetched: Timestamp
        /// When it was last tried to fetch it anew.
        var attempted: Timestamp

        func isDue(at now: Timestamp) -> Bool {
            let publication = proven.publication
            let lead = min((publication.notAfter - publication.notBefore) / 6, CollateralClient.refreshAge)
            return now >= fetched + CollateralClient.refreshAge || now >= publication.notAfter - lead
        }
    }

    /// What came of looking for an item: both may be there, an old item and the reason why it is not a new one.
    struct Outcome: Sendable {
        var held: Held?
        var problem: Refusal?
    }

    struct State {
        var held: BoundedMap<CollateralRequest, Held>
        var inFlight: [CollateralRequest: Task<Outcome, Never>] = [:]
        /// By service, of which there are a few, and by item of a service, of which evidence may name any number.
        var serviceBackOff: [String: BackOff] = [:]
        var itemBackOff = BoundedMap<String, BackOff>(capacity: 1_024)
    }

    /// Seconds after which an item is fetched anew, and seconds between two attempts at that.
    static let refreshAge: Int64 = 7 * 86_400
    static let refreshPause: Int64 = 600
    static let maximumInFlight = 64

    let services: CollateralServices
    let transport: (any CollateralTransport)?
    private let cache: CollateralCache?
    let anchors: TrustAnchors
    let clock: WallClock
    let state: Mutex<State>

    /// - Parameters:
    ///   - transport: nil for a client that answers from its cache only.
    ///   - cache: nil for a client that keeps items in memory only.
    ///   - anchors: roots up to which items are proven.
    ///   - clock: tells when an item is due and when a service may be asked again; whether an item holds is compared with
    ///     the time for which evidence is judged.
    ///   - capacity: items in memory; the oldest leaves first.
    package init(
        services: CollateralServices, transport: (any CollateralTransport)?, cache: CollateralCache?,
        anchors: TrustAnchors, clock: WallClock = .system, capacity: Int = 1_024
    ) {
        self.services = services
        self.transport = transport
        self.cache = cache
        self.anchors = anchors
        self.clock = clock
        state = Mutex(State(held: BoundedMap(capacity: capacity)))
    }

    /// Waits until nothing is in flight.
    package func settle() async {
        while let task = state.withLock({ $0.inFlight.values.first }) { _ = await task.value }
    }

    /// Takes an item into memory that was proven elsewhere.
    func hold(_ proven: CollateralItem.Proven) {
        let now = clock.now()
        let held = Held(proven: proven, fetched: now, attempted: now)
        state.withLock { $0.held.set(proven.item.request, held) }
    }
}

// MARK: One item

extension CollateralClient {
    /// An item that holds at `time`.
    ///
    /// - Throws: `collateral-invalid`; `collateral-unavailable` while who publishes it does not answer.
    func item(_ request: CollateralRequest, at time: Timestamp) async throws(Refusal) -> CollateralItem.Proven {
        let now = clock.now()
        if let held = heldItem(request), held.proven.publication.isCurrent(at: time) {
            // A clock that was set back must not stop renewal for good, hence the magnitude.
            if held.isDue(at: now), abs(now - held.attempted) >= Self.refreshPause { _ = begin(request) }
            return held.proven
        }
        guard let task = begin(request) else {
            throw Refusal(.collateralUnavailable, "\(request.what): too much collateral is being fetched; ask again")
        }
        let outcome = await task.value
        guard let held = outcome.held else { throw outcome.problem ?? CollateralClient.nobody(request) }
        if !held.proven.publication.isCurrent(at: time), let problem = outcome.problem { throw problem }
        try held.proven.publication.requireCurrent(at: time)
        return held.proven
    }

    func heldItem(_ request: CollateralRequest) -> Held? { state.withLock { $0.held[request] } }

    /// The task that looks for an item, its only one; nil when there are too many.
    ///
    /// It is no child of its first caller's: others wait for it too, and a caller that goes away must not end it.
    private func begin(_ request: CollateralRequest) -> Task<Outcome, Never>? {
        let now = clock.now()
        return state.withLock { state in
            if let task = state.inFlight[request] { return task }
            guard state.inFlight.count < Self.maximumInFlight else { return nil }
            if var held = state.held[request] {
                held.attempted = now
                state.held.set(request, held)
            }
            let task = Task { await self.look(for: request) }
            state.inFlight[request] = task
            return task
        }
    }

    private func look(for request: CollateralRequest) async -> Outcome {
        var outcome = Outcome(held: heldItem(request), problem: nil)
        if let stored = fromCache(request), CollateralClient.isBetter(stored, than: outcome.held) {
            outcome.held = stored
        }
        if outcome.held?.isDue(at: clock.now()) ?? true {
            do throws(Refusal) {
                let fetched = try await fetch(request, after: outcome.held)
                outcome.held = fetched
                let publication = fetched.proven.publication
                // What cannot be stored is still answered: from memory, and fetched again by the next process.
                try? cache?.store(
                    fetched.proven.item, fetched: fetched.fetched, from: publication.notBefore,
                    until: publication.notAfter)
            } catch { outcome.problem = error }
        }
        let held = outcome.held
        state.withLock { state in
            if let held { state.held.set(request, held) }
            state.inFlight[request] = nil
        }
        return outcome
    }

    /// What another process has stored, or this one in an earlier life, proven again.
    private func fromCache(_ request: CollateralRequest) -> Held? {
        guard let stored = cache?.stored(request), let proven = try? stored.item.proven(anchors) else { return nil }
        return Held(proven: proven, fetched: stored.fetched, attempted: clock.now())
    }

    private static func isBetter(_ stored: Held, than held: Held?) -> Bool {
        guard let held else { return true }
        return (stored.proven.publication.notBefore, stored.fetched) > (held.proven.publication.notBefore, held.fetched)
    }

    static func nobody(_ request: CollateralRequest) -> Refusal {
        Refusal(
            .collateralInvalid,
            "there is no \(request.what) for \(request.platform), and no service is configured to ask for it")
    }
}
