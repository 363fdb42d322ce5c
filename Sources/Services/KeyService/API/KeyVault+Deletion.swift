import Audit
import Encoding
import ServiceKit

// Deleting in two steps, and taking the first back (key API reference, section 9).
extension KeyVault {
    /// All versions at once; they can be recovered until the retention ends.
    func delete(_ name: String, _ call: Call, _ decision: inout KeyDecision) async throws(APIError) -> ServerResponse {
        decision.key = name
        let now = clock.now()
        let purge = now + Int64(settings.retentionDays) * 86_400
        let bundle = try await change(&decision) { keys in
            var (record, latest) = try keys.find(name, nil)
            record.deletion = KeyDeletion(deleted: now, purge: purge)
            try keys.save(record)
            return call.endpoint.bundle(record, latest)
        }
        return .json(bundle)
    }

    func getDeleted(
        _ name: String, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        return .json(
            try await store.read { keys in
                let (record, latest) = try keys.findDeleted(name)
                return call.endpoint.bundle(record, latest)
            })
    }

    /// Everything that was deleted with the key: versions, attributes, policies.
    func recover(
        _ name: String, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let bundle = try await change(&decision) { keys in
            var (record, latest) = try keys.findDeleted(name)
            record.deletion = nil
            try keys.save(record)
            return call.endpoint.bundle(record, latest)
        }
        return .json(bundle)
    }

    /// For good, unless the key is protected from that.
    func purge(_ name: String, _ decision: inout KeyDecision) async throws(APIError) -> ServerResponse {
        decision.key = name
        let isProtected = settings.isPurgeProtected(name)
        try await change(&decision) { keys in
            _ = try keys.findDeleted(name)
            guard !isProtected else {
                throw APIError(
                    Refusal(.operationNotAllowed, "Operation purge is not allowed: purge protection is enabled."))
            }
            try keys.erase(name)
        }
        return ServerResponse(status: 204)
    }
}
