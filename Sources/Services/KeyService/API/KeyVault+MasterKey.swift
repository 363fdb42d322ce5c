import Audit
import Encoding
import ServiceKit

// The master key while the service runs.
extension KeyVault {
    /// `GET /masterkey`.
    func describeMasterKey() -> ServerResponse {
        let generations = store.masterKey.generations
        return .json([
            "generations": .array(generations.map { .integer(Int64($0)) }),
            "isResealing": .bool(generations.count > 1),
        ])
    }

    /// `POST /masterkey/rotate`: a new generation seals from now on. What the others sealed is sealed anew in the
    /// background; then they are destroyed, and older copies of the database do not open any more.
    func rotateMasterKey(_ decision: inout KeyDecision) async throws(APIError) -> ServerResponse {
        let masterKey = store.masterKey
        // Written down first: a generation that nobody knows of must not exist.
        try await write(decision.allowed)
        decision.isRecorded = true
        _ = try await blocking { () throws(Refusal) in try masterKey.rotate() }
        Task { await self.reseal() }
        return describeMasterKey()
    }

    /// Seals anew what older generations of the master key sealed, some values in each transaction, so that requests go
    /// on between them.
    package func reseal() async {
        let masterKey = store.masterKey
        guard masterKey.generations.count > 1 else { return }
        var cursor: KeyTransaction.ResealingCursor? = .start
        do throws(APIError) {
            while let place = cursor { cursor = try await store.write { try $0.reseal(from: place, limit: 200) } }
            guard try await store.read({ try !$0.hasOutdatedValues() }) else { return }
            var decision = KeyDecision(id: Hex.encode(randomness.bytes(16)))
            decision.event = "master-key.retire"
            decision.caller = "schedule"
            try await write(decision.allowed)
            _ = try await blocking { () throws(Refusal) in
                try masterKey.retireOutdated()
                return true
            }
        } catch {
            // The schedule begins again: what is sealed anew stays so.
        }
    }
}
