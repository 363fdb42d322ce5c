import Crypto
import Encoding

/// A VCEK or VLEK under AMD's chain, with the revocation list, proven but for trust and time.
final class SNPEndorsement: Sendable {
    let path: CertificatePath
    let platform: VEKExtensions
    let key: P384.Signing.PublicKey
    /// Nil when none was given.
    let list: Result<List, Refusal>?
    /// What the check that names this chain says.
    let detail: String

    /// The ARK's revocation list.
    struct List: Sendable {
        let list: CertificateRevocationList
        let validity: Validity
        let detail: String
    }

    /// Whether every part holds; only then is the endorsement worth keeping.
    var isComplete: Bool { if case .failure = list { false } else { true } }

    /// - Throws: `evidence-chain` for the certificates; what is wrong with the list is in `list`.
    init(_ collateral: SNPCollateral) throws(Refusal) {
        let leaf = try Certificate.chain(pem: collateral.vek)
        let issuers = try Certificate.chain(pem: collateral.chain)
        guard leaf.count == 1, issuers.count == 2 else {
            throw Refusal(.evidenceChain, "an SNP endorsement is one VCEK or VLEK, and ASK or ASVK followed by ARK")
        }
        platform = try VEKExtensions(leaf[0])
        guard case .p384(let key) = leaf[0].publicKey else {
            throw Refusal(.evidenceChain, "the endorsement key is not P-384")
        }
        // An ASK issues VCEKs only, an ASVK VLEKs only.
        let issuerName = (platform.kind == .vlek ? "SEV-VLEK-" : "SEV-") + platform.product.rawValue
        guard issuers[0].subjectCommonName == issuerName else {
            throw Refusal(.evidenceChain, "\(issuers[0].nameForDetail) is not \(issuerName)")
        }
        path = try CertificatePath(leaf + issuers, refusing: .evidenceChain)
        self.key = key
        let root = path.root
        list = collateral.crl.map { der in
            do throws(Refusal) { return .success(try List(der, issuer: root)) } catch { return .failure(error) }
        }
        detail = "\(leaf[0].nameForDetail) of \(platform.product.rawValue) under \(issuers[0].nameForDetail)"
    }
}

extension SNPEndorsement.List {
    init(_ der: [UInt8], issuer: Certificate) throws(Refusal) {
        list = try CertificateRevocationList(der: der)
        guard list.issuerName == issuer.subjectName, issuer.keyUsage?.contains(.crlSign) ?? false,
            list.isSigned(by: issuer)
        else { throw Refusal(.collateralInvalid, "the revocation list is not \(issuer.nameForDetail)'s") }
        validity = Validity("the revocation list", from: list.thisUpdate, before: list.nextUpdate)
        detail =
            "list of \(list.thisUpdate) by \(issuer.nameForDetail) with \(list.revokedSerials.count) entries"
    }
}
