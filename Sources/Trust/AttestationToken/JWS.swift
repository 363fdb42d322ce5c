public import Encoding

/// A JSON web signature in compact form (RFC 7515 section 7.1), taken apart but not yet verified.
///
/// Each part is exact unpadded base64url and the header is one JSON object without duplicate names. The payload is
/// any bytes; whoever knows the document parses it. The signature may be empty, so that `alg` `none` can be refused
/// for what it is.
public struct JWS: Hashable, Sendable {
    /// The text as it was received; digests of tokens, policies and hops are over its ASCII.
    public let compact: String
    /// The protected header, with `alg` a string.
    public let header: [String: JSON]
    /// The bytes of the header, before parsing.
    public let headerBytes: [UInt8]
    public let payload: [UInt8]
    public let signature: [UInt8]
    /// What the signature covers: the first two parts with the dot between them.
    public let signingInput: [UInt8]

    /// - Parameter maximumBytes: the longest compact form that is looked at.
    /// - Throws: `Refusal` with `code` for anything that is not of this form.
    public init(
        compact: String, maximumBytes: Int, refusing code: RefusalCode = .tokenMalformed
    ) throws(Refusal) {
        let text = Array(compact.utf8)
        guard text.count <= maximumBytes else {
            throw Refusal(code, "the JWS is longer than \(maximumBytes) bytes")
        }
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw Refusal(code, "a compact JWS has three parts") }
        func decode(_ part: ArraySlice<UInt8>, _ name: String) throws(Refusal) -> [UInt8] {
            guard let bytes = Base64.decode(String(decoding: part, as: UTF8.self)) else {
                throw Refusal(code, "the \(name) of the JWS is not unpadded base64url")
            }
            return bytes
        }
        headerBytes = try decode(parts[0], "header")
        payload = try decode(parts[1], "payload")
        signature = try decode(parts[2], "signature")
        let parsed: JSON
        do throws(JSON.ParseError) { parsed = try JSON.parse(headerBytes) } catch {
            throw Refusal(code, "the header of the JWS is not JSON: \(error)")
        }
        guard case .object(let header) = parsed else { throw Refusal(code, "the header of the JWS is not an object") }
        guard header["alg"]?.string != nil else { throw Refusal(code, "the header of the JWS has no alg") }
        self.header = header
        self.compact = compact
        signingInput = Array(text[..<parts[1].endIndex])
    }

    /// The member `alg` of the header.
    public var algorithm: String { header["alg"]?.string ?? "" }

    /// The member `kid` of the header, when it is a string.
    public var keyID: String? { header["kid"]?.string }

    /// SHA-256 of the compact form, the name of this JWS in hop statements, audit lines and passports.
    public var digest: Digest { Digest(of: compact) }
}
