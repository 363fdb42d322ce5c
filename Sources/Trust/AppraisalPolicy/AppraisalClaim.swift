public import Encoding

/// One statement that a policy can test or issue: a type, a value, and who says so.
///
/// - Source: attestation API reference, section 10.2.
public struct AppraisalClaim: Hashable, Sendable {
    /// What a claim can hold. Values of different kinds are never equal.
    public enum Value: Hashable, Sendable, CustomStringConvertible {
        case string(String)
        case integer(Int64)
        case boolean(Bool)

        /// The name that the property `valueType` has in policies.
        public var kind: String {
            switch self {
            case .string: "String"
            case .integer: "Integer"
            case .boolean: "Boolean"
            }
        }

        public var description: String {
            switch self {
            case .string(let text): text
            case .integer(let number): String(number)
            case .boolean(let flag): flag ? "true" : "false"
            }
        }
    }

    /// Where a claim comes from.
    public enum Issuer: String, Hashable, Sendable {
        /// Read from verified evidence.
        case attestationService = "AttestationService"
        /// Added or issued by the policy itself.
        case attestationPolicy = "AttestationPolicy"
        /// Sent by the attester; nothing vouches for it.
        case customClaim = "CustomClaim"
    }

    public var type: String
    public var value: Value
    public var issuer: Issuer

    public init(_ type: String, _ value: Value, issuer: Issuer = .attestationService) {
        self.type = type
        self.value = value
        self.issuer = issuer
    }
}

extension AppraisalClaim.Value {
    /// Nil for a fraction, null, an array or an object.
    public init?(_ json: JSON) {
        switch json {
        case .string(let text): self = .string(text)
        case .integer(let number): self = .integer(number)
        case .bool(let flag): self = .boolean(flag)
        case .null, .number, .array, .object: return nil
        }
    }

    /// As it stands in tokens and recordings.
    public var json: JSON {
        switch self {
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        case .boolean(let flag): .bool(flag)
        }
    }
}
