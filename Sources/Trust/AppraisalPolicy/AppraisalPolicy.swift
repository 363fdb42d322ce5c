public import Encoding

/// A policy of the compatible attestation API, parsed: which evidence gets a token, and which claims go into it.
///
/// Versions 1.0, 1.1 and 1.2 of the language. Choices where its documentation is silent: `Documentation/appraisal-policy.md`.
/// - Source: attestation API reference, section 10.
public struct AppraisalPolicy: Hashable, Sendable {
    /// Longest policy text that is read, in bytes of UTF-8.
    public static let maximumBytes = 262_144
    /// The work that one evaluation may do, unless the caller says otherwise; a second or two at the very worst.
    public static let defaultStepLimit = 1_000_000

    /// The text as it was given.
    public let text: String
    /// The value of the claim `x-ms-policy-hash`: SHA-256 over the base64url of the text.
    ///
    /// - Source: attestation API reference, section 9.1.
    public let hash: Digest
    /// `1.0`, `1.1` or `1.2`.
    public var version: String { syntax.version }

    let syntax: PolicySyntax

    /// Parses `text` completely; nothing is evaluated.
    ///
    /// - Throws: `PolicyError.syntax` with line and column, `.tooLarge`.
    public init(parsing text: String) throws(PolicyError) {
        guard text.utf8.count <= AppraisalPolicy.maximumBytes else { throw .tooLarge }
        self.text = text
        hash = AppraisalPolicy.hash(of: text)
        var parser = try PolicyParser(Array(text.unicodeScalars))
        syntax = try parser.policy()
    }

    /// The value of `hash` for a text that need not parse.
    public static func hash(of text: String) -> Digest { Digest(of: Base64.encodeURL(text.utf8)) }

    /// Whether evidence is permitted, and what the token shall say.
    public struct Decision: Hashable, Sendable {
        /// A `permit()` was reached and no `deny()`.
        public var permitted: Bool
        /// Claims for the token, in the order in which they were issued; empty when not permitted.
        public var issued: [AppraisalClaim]
        /// Properties set by `issueproperty`. A caller that does not honour one must refuse, not ignore it.
        public var properties: [AppraisalClaim]
    }

    /// Runs the policy over the claims that verified evidence gives.
    ///
    /// - Parameter stepLimit: comparisons, function calls and bytes read, in total; bounds the work of a hostile policy.
    /// - Throws: `PolicyError.evaluation`.
    public func evaluate(
        claims: [AppraisalClaim], stepLimit: Int = AppraisalPolicy.defaultStepLimit
    ) throws(PolicyError) -> Decision {
        var evaluation = PolicyEvaluation(claims: claims, budget: StepBudget(stepLimit))
        return try evaluation.run(syntax)
    }
}

extension AppraisalPolicy {
    /// The text that applies to `SgxEnclave` and `OpenEnclave` where nothing else is set.
    ///
    /// - Source: attestation API reference, section 11; byte for byte what a shared instance returns.
    public static let defaultSGXText = """
        version= 1.0;authorizationrules{=> permit();};issuancerules{\
        c:[type=="x-ms-sgx-is-debuggable"] => issue(type="is-debuggable", value=c.value);\
        c:[type=="x-ms-sgx-mrsigner"] => issue(type="sgx-mrsigner", value=c.value);\
        c:[type=="x-ms-sgx-mrenclave"] => issue(type="sgx-mrenclave", value=c.value);\
        c:[type=="x-ms-sgx-product-id"] => issue(type="product-id", value=c.value);\
        c:[type=="x-ms-sgx-svn"] => issue(type="svn", value=c.value);\
        c:[type=="x-ms-attestation-type"] => issue(type="tee", value=c.value);};
        """

    /// The text that applies to `SevSnpVm` and `TdxVm` where nothing else is set.
    public static let defaultVirtualMachineText = "version= 1.0;authorizationrules{=> permit();};"

    /// The text that applies to `AzureGuest` where nothing else is set.
    ///
    /// - Source: attestation API reference, section 11: what it denies is published, its exact text is not.
    public static let defaultAzureGuestText = """
        version= 1.0;authorizationrules{\
        [type=="x-ms-azurevm-default-securebootkeysvalidated", value==false] => deny();\
        [type=="x-ms-azurevm-debuggersdisabled", value==false] => deny();\
        [type=="secureboot", value==false] => deny();\
        [type=="x-ms-azurevm-signingdisabled", value==false] => deny();\
        [type=="x-ms-azurevm-dbvalidated", value==false] => deny();\
        [type=="x-ms-azurevm-dbxvalidated", value==false] => deny();\
        => permit();};issuancerules{};
        """
}
