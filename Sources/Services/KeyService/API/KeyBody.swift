import Encoding

/// A JSON body of the key API; unknown members are ignored, as other versions of the API have more.
struct KeyBody: Sendable {
    private let members: [String: JSON]

    /// Largest body that is read, in bytes: a token of 64 KiB and a policy fit well.
    static let maximumBytes = 256 * 1_024

    init(parsing bytes: [UInt8]) throws(APIError) {
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw .badParameter("The body is not JSON: \(error).")
        }
        guard let members = json.object else { throw .badParameter("The body is not a JSON object.") }
        self.members = members
    }

    private init(_ members: [String: JSON]) { self.members = members }

    /// The whole body.
    var json: JSON { .object(members) }

    /// The member; null counts as absent.
    func value(_ name: String) -> JSON? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    private func typed<Value>(_ name: String, _ kind: String, _ read: (JSON) -> Value?) throws(APIError) -> Value? {
        guard let value = value(name) else { return nil }
        guard let read = read(value) else { throw .badParameter("Property \(name) is not \(kind).") }
        return read
    }

    func string(_ name: String) throws(APIError) -> String? { try typed(name, "a string", \.string) }
    func integer(_ name: String) throws(APIError) -> Int? {
        try typed(name, "a whole number") { $0.integer.flatMap { Int(exactly: $0) } }
    }
    func bool(_ name: String) throws(APIError) -> Bool? { try typed(name, "true or false", \.bool) }
    func object(_ name: String) throws(APIError) -> KeyBody? {
        try typed(name, "an object") { $0.object.map { KeyBody($0) } }
    }
    func strings(_ name: String) throws(APIError) -> [String]? { try typed(name, "a list of strings", \.strings) }

    /// Base64 of either alphabet.
    func bytes(_ name: String) throws(APIError) -> [UInt8]? {
        try typed(name, "base64url") { $0.string.flatMap { Base64.decode($0, .lenient) } }
    }
    func requiredBytes(_ name: String) throws(APIError) -> [UInt8] {
        guard let bytes = try bytes(name) else { throw .badParameter("Property \(name) is missing.") }
        return bytes
    }

    // MARK: Members that several operations have

    /// A time after 1970, in seconds.
    func time(_ name: String) throws(APIError) -> Timestamp? {
        guard let seconds = try integer(name) else { return nil }
        guard (0..<1 << 40).contains(seconds) else { throw .badParameter("Property \(name) is not a time.") }
        return Timestamp(seconds: Int64(seconds))
    }

    /// At most 15, names and values of at most 256 characters; those that set a release quota are numbers.
    func tags() throws(APIError) -> [String: String]? {
        guard let tags = try object("tags")?.members else { return nil }
        let texts = tags.compactMapValues(\.string)
        guard texts.count == tags.count, texts.count <= 15,
            texts.allSatisfy({ $0.key.count <= 256 && $0.value.count <= 256 })
        else { throw .badParameter("At most 15 tags, with names and values of at most 256 characters, are supported.") }
        do throws(Refusal) { _ = try ReleaseQuota(tags: texts) } catch { throw APIError(error) }
        return texts
    }

    private static let operations: Set<String> = [
        "encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "export",
    ]

    func operations() throws(APIError) -> [String]? {
        guard let operations = try strings("key_ops") else { return nil }
        guard operations.count <= 16, operations.allSatisfy(KeyBody.operations.contains) else {
            throw .badParameter("Property key_ops has an unknown operation.")
        }
        return operations
    }

    /// The policy, and whether it is to become immutable.
    func releasePolicy() throws(APIError) -> (policy: KeyReleasePolicy, isImmutable: Bool)? {
        guard let body = try object("release_policy") else { return nil }
        if let type = try body.string("contentType"), !type.lowercased().hasPrefix("application/json") {
            throw APIError(Refusal(.policyInvalid, "Key Release Policy: contentType is not application/json"))
        }
        guard let data = try body.string("data"), data.utf8.count <= 2 * KeyReleasePolicy.maximumBytes,
            let bytes = Base64.decode(data, .lenient)
        else { throw APIError(Refusal(.policyInvalid, "Key Release Policy: data is missing or not base64url")) }
        do throws(Refusal) {
            return (try KeyReleasePolicy(parsing: bytes), try body.immutable())
        } catch {
            throw APIError(error)
        }
    }

    private func immutable() throws(Refusal) -> Bool {
        guard let value = value("immutable") else { return false }
        guard let isImmutable = value.bool else {
            throw Refusal(.policyInvalid, "Key Release Policy: immutable is not true or false")
        }
        return isImmutable
    }
}
