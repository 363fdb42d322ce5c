import Access
package import Encoding
package import HTTPTypes
package import ServiceKit

/// A refusal in the form of the key API: its status, its error body, and our code in the header `Cloister-Refusal`
/// (key API reference, sections 2 and 12; formats section 9).
package struct APIError: Error, Sendable {
    package var status: Int
    /// The API's code, for example `BadParameter`.
    package var code: String
    package var message: String
    package var inner: String?
    /// Ours, for the header and the audit log.
    package var refusal: Refusal
    /// What a claim should have been and was; for the audit log only.
    package var expected: String?
    package var seen: String?
    /// Further header fields, such as the challenge.
    package var headers: HTTPFields = [:]

    package init(status: Int, code: String, message: String, inner: String? = nil, refusal: Refusal) {
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self.refusal = refusal
    }

    package var response: ServerResponse {
        var error: [String: JSON] = ["code": .string(code), "message": .string(message)]
        if let inner { error["innererror"] = ["code": .string(inner)] }
        var response = ServerResponse.json(["error": .object(error)], status: status)
        for field in headers { response.headers.append(field) }
        response.headers[.cloisterRefusal] = refusal.name
        return response
    }
}

extension APIError {
    /// How the API says a refusal outside of release, whose wording clients match (`targetRefused`, `policyRefused`).
    package init(_ refusal: Refusal) {
        switch refusal.code {
        case .requestMalformed, .nameInvalid, .policyInvalid, .policyImmutable, .keyInvalid:
            self.init(status: 400, code: "BadParameter", message: refusal.detail, refusal: refusal)
        case .notFound: self.init(status: 404, code: "KeyNotFound", message: refusal.detail, refusal: refusal)
        case .conflict: self.init(status: 409, code: "Conflict", message: refusal.detail, refusal: refusal)
        case .tooLarge: self.init(status: 413, code: "BadParameter", message: refusal.detail, refusal: refusal)
        case .requestTimeout:
            self.init(status: 408, code: "RequestTimeout", message: refusal.detail, refusal: refusal)
        case .tooMany: self.init(status: 429, code: "Throttled", message: refusal.detail, refusal: refusal)
        case .notImplemented:
            self.init(status: 501, code: "NotImplemented", message: refusal.detail, refusal: refusal)
        case .scopeInsufficient:
            self.init(
                status: 403, code: "Forbidden", message: refusal.detail, inner: "ForbiddenByRbac", refusal: refusal)
        case .keyTypeNotAllowed, .operationNotAllowed:
            self.init(status: 403, code: "Forbidden", message: refusal.detail, refusal: refusal)
        case .keyState:
            self.init(status: 403, code: "Forbidden", message: refusal.detail, inner: "KeyDisabled", refusal: refusal)
        case .notReleasable:
            self.init(status: 403, code: "Forbidden", message: refusal.detail, inner: "AccessDenied", refusal: refusal)
        default:
            // What is left means that something this service needs is missing or broken: nothing is done.
            self.init(
                status: 503, code: "ServiceUnavailable", message: "The service cannot answer now.", refusal: refusal)
        }
    }

    /// 400 with the reason; the code is `request-malformed`.
    static func badParameter(_ detail: String) -> APIError { APIError(Refusal(.requestMalformed, detail)) }

    static func keyNotFound(_ name: String) -> APIError {
        APIError(
            Refusal(
                .notFound,
                "A key with (name/id) \(name) was not found in this key vault. If you recently deleted this key you may "
                    + "be able to recover it using the correct recovery command. For help resolving this issue, please "
                    + "see https://go.microsoft.com/fwlink/?linkid=2125182"))
    }

    /// The wording is the API's; clients match it.
    static func deleted(_ name: String) -> APIError {
        let text =
            "Key \(name) is currently in a deleted but recoverable state, and its name cannot be reused; in this state, "
            + "the key can only be recovered or purged."
        return APIError(
            status: 409, code: "Conflict", message: text, inner: "ObjectIsDeletedButRecoverable",
            refusal: Refusal(.conflict, text))
    }

    static func deletedKeyNotFound(_ name: String) -> APIError {
        APIError(Refusal(.notFound, "Deleted Key not found: \(name)"))
    }

    /// A numbered rule of key attributes (key API reference, section 7).
    static func rule(_ number: Int, _ text: String, _ code: RefusalCode = .requestMalformed) -> APIError {
        let detail = "AKV.SKR.\(number): \(text)"
        return APIError(status: 400, code: "BadParameter", message: detail, refusal: Refusal(code, detail))
    }

    /// The token does not prove what it claims; the wording is the API's.
    static func targetRefused(_ refusal: Refusal) -> APIError {
        if [.issuerKeysUnavailable, .revocationsUnavailable, .endorsementInvalid].contains(refusal.code) {
            return APIError(refusal)
        }
        return APIError(
            status: 403, code: "Forbidden",
            message: "Target environment attestation statement cannot be verified.", inner: "AccessDenied",
            refusal: refusal)
    }

    /// - Parameter seconds: until there are releases again; nil for never.
    static func quotaExceeded(
        _ detail: String, expected: String, _ seen: Int64, retryAfter seconds: Int64? = nil
    ) -> APIError {
        let refusal = Refusal(.releaseQuota, detail)
        var error =
            seconds == nil
            ? APIError(status: 403, code: "Forbidden", message: detail, inner: "AccessDenied", refusal: refusal)
            : APIError(status: 429, code: "Throttled", message: detail, refusal: refusal)
        if let seconds { error.headers[.retryAfter] = String(seconds) }
        error.expected = expected
        error.seen = String(seen)
        return error
    }

    /// The token is good but the policy does not release to it; the wording is the API's.
    static func policyRefused(_ refusal: Refusal, expected: String? = nil, seen: String? = nil) -> APIError {
        var error = APIError(
            status: 403, code: "Forbidden",
            message: "Target environment attestation does not meet key release policy requirements.",
            inner: "AccessDenied", refusal: refusal)
        error.expected = expected
        error.seen = seen
        return error
    }
}
