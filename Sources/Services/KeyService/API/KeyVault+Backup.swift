import Audit
import Encoding
import ServiceKit

// Keys as opaque blobs that only services of the same security domain open (key API reference, section 11).
extension KeyVault {
    func backup(_ name: String, _ decision: inout KeyDecision) async throws(APIError) -> ServerResponse {
        decision.key = name
        let (domain, randomness) = (try await store.domain(), randomness)
        let blob = try await store.read { keys in
            let record = try keys.find(name, nil).record
            return try KeyBackup(record, in: keys).sealed(under: domain, randomness: randomness)
        }
        return .json(["value": .string(Base64.encodeURL(blob))])
    }

    func restore(_ call: Call, _ decision: inout KeyDecision) async throws(APIError) -> ServerResponse {
        let body = try call.body()
        guard let text = try body.string("value"), let blob = Base64.decode(text, .lenient) else {
            throw .badParameter("Property value is missing or not base64url.")
        }
        let (backup, domain): (KeyBackup, SecurityDomain)
        domain = try await store.domain()
        do throws(Refusal) { backup = try KeyBackup(opening: blob, under: domain) } catch {
            throw APIError(error)
        }
        let name = backup.record.name
        decision.key = name
        decision.policy = backup.record.policy?.digest
        let bundle = try await change(&decision) { keys in
            guard try keys.keyForNewVersion(name) == nil else {
                throw Refusal(.conflict, "The key \(name) already exists.")
            }
            try keys.save(backup.record)
            for (version, material) in backup.versions { try keys.add(version, material) }
            try keys.save(backup.record)
            let (record, latest) = try keys.find(name, nil)
            return call.endpoint.bundle(record, latest)
        }
        return .json(bundle)
    }
}
