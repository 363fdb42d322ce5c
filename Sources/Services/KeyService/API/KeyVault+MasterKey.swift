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
        let (facts, audit, masterKey) = (decision, audit, store.masterKey)
        // Nothing is sealed in between. Unlike in other changes the line comes first: a generation that nobody knows of
        // must not exist.
        _ = try await store.write { keys in
            try keys.append(facts.allowed, to: audit)
            return try masterKey.rotate()
        }
        decision.isRecorded = true
        Task { await self.reseal() }
        return describeMasterKey()
    }

    /// Seals anew what older generations of the master key sealed, some values in each transaction, so that requests go
    /// on between them.
    package func reseal() async {
        let masterKey = store.masterKey
        guard masterKey.generations.count > 1 else { return }
        // Another may follow while this goes on.
        let newest = masterKey.newest
        var cursor: KeyTransaction.ResealingCursor? = .start
        do throws(APIError) {
            while let place = cursor {
                cursor = try await store.write { try $0.reseal(from: place, limit: 200, before: newest) }
            }
            var decision = KeyDecision(id: Hex.encode(randomness.bytes(16)))
            decision.event = "master-key.retire"
            decision.caller = "schedule"
            let (facts, audit) = (decision, audit)
            // Nobody may still be reading what the former generations sealed.
            try await store.alone { keys in
                guard try !keys.hasValues(sealedBefore: newest) else { return }
                try keys.append(facts.allowed, to: audit)
                try masterKey.retire(before: newest)
            }
        } catch {
            // The schedule begins again: what is sealed anew stays so.
        }
    }
}
