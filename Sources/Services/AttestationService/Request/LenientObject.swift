import Encoding

/// Reads a JSON object of the compatible API: names without regard to case, unknown members ignored, null as absent.
///
/// - Source: attestation API reference, section 2.
struct LenientObject {
    private let members: [String: JSON]

    /// - Throws: `request-malformed` for anything but an object, and for names that differ in case only: which of two
    ///   counts would otherwise be chance.
    init(_ json: JSON, _ what: String) throws(Refusal) {
        guard case .object(let object) = json else { throw Refusal(.requestMalformed, "\(what) is not an object") }
        var members: [String: JSON] = [:]
        for (name, value) in object where value != .null {
            guard members.updateValue(value, forKey: name.lowercased()) == nil else {
                throw Refusal(.requestMalformed, "\(what): two members have the same name but for its case")
            }
        }
        self.members = members
    }

    /// The member; nil when it is absent or null.
    subscript(name: String) -> JSON? { members[name.lowercased()] }

    func string(_ name: String) throws(Refusal) -> String? {
        guard let value = self[name] else { return nil }
        guard let string = value.string else { throw Refusal(.requestMalformed, "\(name) is not a string") }
        return string
    }

    /// Base64 of either alphabet, padded or not.
    func bytes(_ name: String) throws(Refusal) -> [UInt8]? {
        guard let text = try string(name) else { return nil }
        guard let bytes = Base64.decode(text, .lenient) else {
            throw Refusal(.requestMalformed, "\(name) is not base64url")
        }
        return bytes
    }
}
