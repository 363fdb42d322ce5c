/// A stable name for one way to be refused, from the threat model.
///
/// An extensible set: each target adds its own static members.
public struct RefusalCode: Hashable, Sendable, CustomStringConvertible {
    /// The name, for example `evidence-signature`; part of our public interface.
    public let name: String
    /// The HTTP status of our own interfaces for this code (threat model section 7).
    public let status: Int

    public init(_ name: String, status: Int) {
        self.name = name
        self.status = status
    }

    public static func == (left: RefusalCode, right: RefusalCode) -> Bool { left.name == right.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
    public var description: String { name }
}

/// A decision not to do what was asked, said so that the person who must act understands it.
///
/// `detail` goes to callers, logs and problem documents: it never holds secrets, input bytes of a patient, or file
/// paths. It names the failed claim, with expected and seen values where both are public.
public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    public var code: RefusalCode
    /// The part that a code may carry, as in `claim-mismatch:<claim>`.
    public var part: String?
    /// One sentence for the person who must act.
    public var detail: String

    public init(_ code: RefusalCode, part: String? = nil, _ detail: String) {
        self.code = code
        self.part = part
        self.detail = detail
    }

    /// `code` or `code:part`, as it stands in problem types and in the header `Cloister-Refusal`.
    public var name: String { part.map { "\(code.name):\($0)" } ?? code.name }
    public var description: String { "\(name): \(detail)" }
}

extension RefusalCode {
    // A. Evidence and appraisal
    public static let evidenceMalformed = RefusalCode("evidence-malformed", status: 400)
    public static let evidenceSignature = RefusalCode("evidence-signature", status: 403)
    public static let evidenceChain = RefusalCode("evidence-chain", status: 403)
    public static let untrustedRoot = RefusalCode("untrusted-root", status: 403)
    public static let simulatedRoot = RefusalCode("simulated-root", status: 403)
    public static let debugEnabled = RefusalCode("debug-enabled", status: 403)
    public static let measurementUnknown = RefusalCode("measurement-unknown", status: 403)
    public static let measurementRevoked = RefusalCode("measurement-revoked", status: 403)
    public static let configMismatch = RefusalCode("config-mismatch", status: 403)
    public static let svnTooLow = RefusalCode("svn-too-low", status: 403)
    public static let tcbNotAccepted = RefusalCode("tcb-not-accepted", status: 403)
    public static let tcbInconsistent = RefusalCode("tcb-inconsistent", status: 403)
    public static let collateralInvalid = RefusalCode("collateral-invalid", status: 403)
    /// The service that publishes it does not answer: evidence is neither accepted nor refused for good (AC-162).
    public static let collateralUnavailable = RefusalCode("collateral-unavailable", status: 503)
    public static let certificateRevoked = RefusalCode("certificate-revoked", status: 403)
    public static let qeIdentity = RefusalCode("qe-identity", status: 403)
    public static let bindingMismatch = RefusalCode("binding-mismatch", status: 403)
    public static let platformPolicy = RefusalCode("platform-policy", status: 403)
    public static let quorumNotMet = RefusalCode("quorum-not-met", status: 403)
    public static let timeUntrusted = RefusalCode("time-untrusted", status: 503)
    public static let endorsementInvalid = RefusalCode("endorsement-invalid", status: 403)
    public static let instanceMismatch = RefusalCode("instance-mismatch", status: 403)
    public static let hardwareNotEnrolled = RefusalCode("hardware-not-enrolled", status: 403)
    public static let familyDistrusted = RefusalCode("family-distrusted", status: 403)

    // B. Tokens
    public static let tokenMalformed = RefusalCode("token-malformed", status: 400)
    public static let tokenAlgorithm = RefusalCode("token-algorithm", status: 401)
    public static let tokenKeyUnknown = RefusalCode("token-key-unknown", status: 401)
    public static let tokenSignature = RefusalCode("token-signature", status: 401)
    public static let tokenIssuer = RefusalCode("token-issuer", status: 401)
    public static let tokenTime = RefusalCode("token-time", status: 401)
    public static let tokenRevoked = RefusalCode("token-revoked", status: 401)
    public static let tokenNotBound = RefusalCode("token-not-bound", status: 401)
    public static let issuerKeysUntrusted = RefusalCode("issuer-keys-untrusted", status: 401)
    public static let issuerKeysUnavailable = RefusalCode("issuer-keys-unavailable", status: 503)
    public static let revocationsUnavailable = RefusalCode("revocations-unavailable", status: 503)
    public static let chainBroken = RefusalCode("chain-broken", status: 403)
    public static let chainLimits = RefusalCode("chain-limits", status: 400)
    public static let gradeInsufficient = RefusalCode("grade-insufficient", status: 403)

    // C. Channel
    public static let transcriptMismatch = RefusalCode("transcript-mismatch", status: 403)
    public static let recordReplay = RefusalCode("record-replay", status: 409)
    public static let recordAuthentication = RefusalCode("record-authentication", status: 400)
    public static let suiteNotAllowed = RefusalCode("suite-not-allowed", status: 403)
    public static let keyInvalid = RefusalCode("key-invalid", status: 400)
    public static let reattestationRequired = RefusalCode("reattestation-required", status: 401)
    public static let peerUnattested = RefusalCode("peer-unattested", status: 403)
    public static let encapsulationRequired = RefusalCode("encapsulation-required", status: 403)
    public static let roleMismatch = RefusalCode("role-mismatch", status: 403)
    public static let fieldNotReleased = RefusalCode("field-not-released", status: 403)

    // E. Key release
    public static let authorityNotAllowed = RefusalCode("authority-not-allowed", status: 403)
    public static let claimMismatch = RefusalCode("claim-mismatch", status: 403)
    public static let policyInvalid = RefusalCode("policy-invalid", status: 400)
    public static let policyImmutable = RefusalCode("policy-immutable", status: 409)
    public static let notReleasable = RefusalCode("not-releasable", status: 403)
    public static let keyState = RefusalCode("key-state", status: 403)
    public static let nameInvalid = RefusalCode("name-invalid", status: 400)
    public static let auditUnavailable = RefusalCode("audit-unavailable", status: 503)
    public static let stateRollback = RefusalCode("state-rollback", status: 503)

    // G. Sealed files and rows
    public static let blockAuthentication = RefusalCode("block-authentication", status: 422)
    public static let headerInvalid = RefusalCode("header-invalid", status: 422)

    // I. Passports
    public static let passportInvalid = RefusalCode("passport-invalid", status: 422)
    public static let receiptInvalid = RefusalCode("receipt-invalid", status: 422)
    public static let receiptUnverifiable = RefusalCode("receipt-unverifiable", status: 422)
    public static let disclosureInvalid = RefusalCode("disclosure-invalid", status: 422)

    // K. Model and inference
    public static let modelDigest = RefusalCode("model-digest", status: 403)
    public static let modelInvalid = RefusalCode("model-invalid", status: 422)
    public static let inputInvalid = RefusalCode("input-invalid", status: 422)
    public static let imageInvalid = RefusalCode("image-invalid", status: 422)
    public static let outputShape = RefusalCode("output-shape", status: 422)

    // L., M. Users and operation
    public static let loginInvalid = RefusalCode("login-invalid", status: 401)
    public static let insecureConfiguration = RefusalCode("insecure-configuration", status: 503)
    public static let requestMalformed = RefusalCode("request-malformed", status: 400)
    public static let notFound = RefusalCode("not-found", status: 404)
    public static let conflict = RefusalCode("conflict", status: 409)
    /// A request that was not complete in time (AC-158).
    public static let requestTimeout = RefusalCode("request-timeout", status: 408)
    public static let tooLarge = RefusalCode("too-large", status: 413)
    public static let tooMany = RefusalCode("too-many", status: 429)
    public static let notReady = RefusalCode("not-ready", status: 503)
}
