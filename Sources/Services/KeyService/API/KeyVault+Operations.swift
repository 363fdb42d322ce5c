import Encoding
import ServiceKit

// What keys do without leaving the service (key API reference, section 6).
extension KeyVault {
    /// Encrypt, decrypt, wrap, unwrap, sign or verify with one version.
    ///
    /// - Parameter version: nil for the latest.
    func use(
        _ operation: KeyOperation, _ name: String, version: String?, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let body = try call.body()
        guard let algorithm = try body.string("alg") else { throw .badParameter("Property alg is missing.") }
        let (found, material) = try await store.read { keys in
            let found = try keys.find(name, version).version
            return (found, try keys.material(of: found))
        }
        decision.key = "\(name)/\(found.version)"
        try KeyVault.require(operation, of: found, at: clock.now())
        let id = call.endpoint.keyID(name, version: found.version)
        switch operation {
        case .sign, .verify: return try await sign(operation, material, algorithm, body, id: id)
        default: return try await encrypt(operation, material, algorithm, body, id: id)
        }
    }

    private static func require(
        _ operation: KeyOperation, of version: KeyVersion, at time: Timestamp
    ) throws(APIError) {
        do throws(Refusal) {
            try version.attributes.requireUsable(for: operation, at: time)
            guard version.operations.contains(operation.rawValue) else {
                throw Refusal(
                    .operationNotAllowed, "Operation \(operation.rawValue) is not permitted on this key by its key_ops."
                )
            }
        } catch {
            throw APIError(error)
        }
    }

    private func encrypt(
        _ operation: KeyOperation, _ material: KeyMaterial, _ name: String, _ body: KeyBody, id: String
    ) async throws(APIError) -> ServerResponse {
        let content = CipherText(
            value: try body.requiredBytes("value"), iv: try body.bytes("iv"), aad: try body.bytes("aad"),
            tag: try body.bytes("tag"))
        let randomness = randomness
        let result = try await blocking { () throws(Refusal) in
            let algorithm = try EncryptionAlgorithm(name)
            guard algorithm.serves(operation) else {
                throw Refusal(.requestMalformed, "Property alg is not one for this operation.")
            }
            return operation == .encrypt || operation == .wrapKey
                ? try material.encrypt(content, algorithm, randomness: randomness)
                : try material.decrypt(content, algorithm)
        }
        var answer: [String: JSON] = ["kid": .string(id), "value": .string(Base64.encodeURL(result.value))]
        for (name, bytes) in [("iv", result.iv), ("aad", result.aad), ("tag", result.tag)] {
            if let bytes { answer[name] = .string(Base64.encodeURL(bytes)) }
        }
        return .json(.object(answer))
    }

    private func sign(
        _ operation: KeyOperation, _ material: KeyMaterial, _ name: String, _ body: KeyBody, id: String
    ) async throws(APIError) -> ServerResponse {
        let value = try body.requiredBytes("value")
        let digest = operation == .verify ? try body.requiredBytes("digest") : value
        if operation == .sign {
            let signature = try await blocking { () throws(Refusal) in
                try material.sign(digest, try SignatureAlgorithm(name))
            }
            return .json(["kid": .string(id), "value": .string(Base64.encodeURL(signature))])
        }
        let holds = try await blocking { () throws(Refusal) in
            try material.verify(value, of: digest, try SignatureAlgorithm(name))
        }
        return .json(["value": .bool(holds)])
    }

    /// Most random bytes in one answer.
    private static let maximumRandom = 128

    func random(_ call: Call) async throws(APIError) -> ServerResponse {
        guard let count = try call.body().integer("count"), (1...KeyVault.maximumRandom).contains(count) else {
            throw .badParameter("Property count is not a number from 1 to \(KeyVault.maximumRandom).")
        }
        return .json(["value": .string(Base64.encodeURL(randomness.bytes(count)))])
    }
}
