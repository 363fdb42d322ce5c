import Encoding

/// What a create or import body asks for, checked as far as it can be without knowing the key that is there.
struct KeyWish: Sendable {
    var isHardware: Bool
    var operations: [String]?
    var isEnabled: Bool
    var notBefore: Timestamp?
    var expires: Timestamp?
    /// Nil when the body does not say.
    var isExportable: Bool?
    var tags: [String: String]
    var policy: KeyReleasePolicy?
    var makesPolicyImmutable: Bool

    private init(_ body: KeyBody, isHardware: Bool, operations: [String]?) throws(APIError) {
        let attributes = try body.object("attributes")
        let policy = try body.releasePolicy()
        self.isHardware = isHardware
        self.operations = operations
        isEnabled = try attributes?.bool("enabled") ?? true
        notBefore = try attributes?.time("nbf")
        expires = try attributes?.time("exp")
        isExportable = try attributes?.bool("exportable")
        tags = try body.tags() ?? [:]
        self.policy = policy?.policy
        makesPolicyImmutable = policy?.isImmutable ?? false
    }

    /// Of POST `/keys/{name}/create`.
    static func creating(
        _ body: KeyBody, flavour: VaultSettings.Flavour
    ) throws(APIError) -> (wish: KeyWish, type: KeyType) {
        guard let kty = try body.string("kty") else { throw .badParameter("Property kty is missing.") }
        if let exponent = try body.integer("public_exponent"), exponent != 65_537 {
            throw .badParameter("Property public_exponent is not 65537.")
        }
        let size = try body.integer("key_size")
        let type: KeyType
        switch kty {
        case "RSA", "RSA-HSM":
            guard KeyType.rsaSizes.contains(size ?? 2_048) else {
                throw .badParameter("Property key_size is not 2048, 3072 or 4096.")
            }
            type = .rsa(bits: size ?? 2_048)
        case "EC", "EC-HSM":
            guard let curve = KeyType.Curve(rawValue: try body.string("crv") ?? "P-256") else {
                throw .badParameter("Property crv is not P-256, P-384, P-521 or P-256K.")
            }
            type = .ec(curve)
        case "oct", "oct-HSM":
            let bits = size ?? 256
            guard KeyType.octetSizes.contains(bits), bits.isMultiple(of: 8) else {
                throw .badParameter("Property key_size is not a multiple of 8 from 128 to 512.")
            }
            type = .oct(bits: bits)
        default: throw .badParameter("Property kty is not RSA, RSA-HSM, EC, EC-HSM, oct or oct-HSM.")
        }
        let wish = try KeyWish(
            body, isHardware: try isHardware(kty, flavour), operations: try body.operations())
        return (wish, type)
    }

    /// Of PUT `/keys/{name}`. Clients differ in how they write the member `hsm`.
    static func importing(
        _ body: KeyBody, flavour: VaultSettings.Flavour
    ) throws(APIError) -> (wish: KeyWish, material: KeyMaterial) {
        guard let key = body.value("key"), let keyBody = try body.object("key") else {
            throw .badParameter("Property key is missing.")
        }
        let material: KeyMaterial
        do throws(Refusal) { material = try KeyMaterial(jwk: key) } catch { throw APIError(error) }
        var asksHardware = false
        for name in ["Hsm", "hsm", "HSM"] { asksHardware = try body.bool(name) ?? asksHardware }
        let kty = try keyBody.string("kty") ?? ""
        let wish = try KeyWish(
            body, isHardware: try isHardware(asksHardware ? "-HSM" : kty, flavour),
            operations: try keyBody.operations())
        return (wish, material)
    }

    /// Symmetric keys exist in the hardware type only, and a managed HSM has no other types.
    private static func isHardware(_ kty: String, _ flavour: VaultSettings.Flavour) throws(APIError) -> Bool {
        let isHardware = kty.hasSuffix("-HSM") || kty == "oct" || flavour == .managedHSM
        guard !isHardware || flavour != .standard else {
            throw APIError(Refusal(.keyTypeNotAllowed, "Hardware key operation not allowed on standard vault"))
        }
        return isHardware
    }

    /// The key as a whole after this wish, by the rules of the key API reference, section 7.
    ///
    /// - Parameter existing: the key of that name, if there is one; then the wish is for a new version of it.
    func record(
        name: String, version: String, existing: KeyRecord?, api: APIVersion, flavour: VaultSettings.Flavour
    ) throws(APIError) -> KeyRecord {
        if let existing, let isExportable, isExportable != existing.isExportable {
            throw .rule(1_003, "The exportable attribute of an existing key cannot be changed.", .notReleasable)
        }
        let isExportable = existing?.isExportable ?? isExportable ?? false
        var record = KeyRecord(
            name: name, isExportable: isExportable, policy: existing?.policy,
            isPolicyImmutable: existing?.isPolicyImmutable ?? false, latest: version, rotation: existing?.rotation)
        if isExportable {
            guard api.hasRelease, flavour != .standard else {
                throw .rule(
                    1_001,
                    "The exportable attribute is only supported with premium vaults and API version >= '7.3-preview'.")
            }
            guard isHardware else { throw .rule(1_006, "Exportable keys must be of an HSM key type.") }
        }
        if let policy { try record.replacePolicy(policy, isImmutable: makesPolicyImmutable) }
        guard !isExportable || record.policy != nil else {
            throw .rule(1_004, "Exportable keys must have release policy.", .policyInvalid)
        }
        return record
    }
}

extension KeyRecord {
    /// Sets another policy where that is allowed; `immutable` is one-way.
    mutating func replacePolicy(_ policy: KeyReleasePolicy, isImmutable: Bool) throws(APIError) {
        guard isExportable else {
            throw .rule(1_005, "Non-exportable keys must not have release policy.", .notReleasable)
        }
        guard !isPolicyImmutable || policy == self.policy else {
            throw .rule(1_020, "Immutable Key Release Policy cannot be modified.", .policyImmutable)
        }
        self.policy = policy
        isPolicyImmutable = isPolicyImmutable || isImmutable
    }
}
