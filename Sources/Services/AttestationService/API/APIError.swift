package import Encoding

/// A refusal in the form of the compatible attestation API: its status and code, our refusal behind it.
///
/// - Source: attestation API reference, section 14.
package struct APIError: Error, Hashable, Sendable {
    /// The values of `error.code`.
    package enum Code: String, Hashable, Sendable {
        case policyEvaluation = "PolicyEvaluationError"
        case policyParsing = "PolicyParsingError"
        case invalidParameter = "InvalidParameter"
        case invalidOperation = "InvalidOperation"
        case unauthorized = "Unauthorized"
        case notFound = "NotFound"
        case tooLarge = "PayloadTooLarge"
        case tooMany = "TooManyRequests"
        case unavailable = "ServiceUnavailable"
    }

    package let status: Int
    package let code: Code
    package let refusal: Refusal

    package init(status: Int, code: Code, refusal: Refusal) {
        self.status = status
        self.code = code
        self.refusal = refusal
    }

    /// The API's form of a refusal about evidence, request or operation.
    ///
    /// Evidence that is not accepted is a bad parameter there, whatever our own interfaces say; only what the caller
    /// cannot mend keeps its status, since clients retry 5xx.
    package init(_ refusal: Refusal) {
        switch refusal.code {
        case .tooLarge: self.init(status: 413, code: .tooLarge, refusal: refusal)
        case .tooMany: self.init(status: 429, code: .tooMany, refusal: refusal)
        case .notFound: self.init(status: 404, code: .notFound, refusal: refusal)
        case .requestTimeout: self.init(status: 408, code: .invalidParameter, refusal: refusal)
        case .timeUntrusted, .auditUnavailable, .notReady, .stateRollback, .issuerKeysUnavailable,
            .collateralUnavailable:
            self.init(status: 503, code: .unavailable, refusal: refusal)
        default: self.init(status: 400, code: .invalidParameter, refusal: refusal)
        }
    }

    /// `{"error":{"code","message"}}`.
    package var body: JSON {
        ["error": ["code": .string(code.rawValue), "message": .string(refusal.detail)]]
    }
}
