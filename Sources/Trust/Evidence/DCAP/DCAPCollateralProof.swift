import Crypto
import Encoding

/// What the bytes of Intel's collateral prove, whatever the time: chains, lists and documents, each with its signature.
///
/// The parts stand or fall on their own, so that a verdict can name all that is wrong.
final class DCAPCollateralProof: Sendable {
    /// A document of Intel's TCB signing key.
    struct Signed<Document: Sendable>: Sendable {
        let document: Document
        let path: CertificatePath
        let validity: Validity
        let detail: String
    }

    /// Both revocation lists with the chain of the CA that issues PCK certificates.
    struct Lists: Sendable {
        let root: CertificateRevocationList
        let pck: CertificateRevocationList
        let path: CertificatePath
        let validity: Validity
        let detail: String

        var authority: Certificate { path.certificates[0] }
    }

    let lists: Result<Lists, Refusal>
    let tcbInfo: Result<Signed<TCBInfo>, Refusal>
    let qeIdentity: Result<Signed<QEIdentity>, Refusal>

    /// - Parameter known: what was read and checked before; what stands in it several times is looked at once.
    init(_ collateral: DCAPCollateral, known: CertificateMemory) {
        lists = DCAPCollateralProof.catching { () throws(Refusal) in try DCAPCollateralProof.lists(collateral, known) }
        let tcbInfo = DCAPCollateralProof.catching { () throws(Refusal) in
            let path = try DCAPCollateralProof.signerPath(collateral.tcbInfoIssuerChain, "TCB info", known)
            try DCAPCollateralProof.checkSignature(
                collateral.tcbInfoSignature, of: collateral.hashes.tcbInfo, by: path.leaf, "TCB info")
            let info = try TCBInfo(signed: collateral.tcbInfo)
            return Signed(
                document: info, path: path,
                validity: path.validity.intersection(
                    Validity("the TCB info", from: info.issueDate, before: info.nextUpdate)),
                detail: "TCB info \(info.evaluationDataNumber) of \(info.issueDate) for \(info.tee.nameForDetail), "
                    + "signed by \(path.leaf.nameForDetail)")
        }
        self.tcbInfo = tcbInfo
        qeIdentity = DCAPCollateralProof.catching { () throws(Refusal) in
            // Intel signs both with one key, and sends the chain with each.
            let path: CertificatePath
            if collateral.hashes.qeIdentityIssuerChain == collateral.hashes.tcbInfoIssuerChain,
                case .success(let tcbInfo) = tcbInfo
            {
                path = tcbInfo.path
            } else {
                path = try DCAPCollateralProof.signerPath(collateral.qeIdentityIssuerChain, "QE identity", known)
            }
            try DCAPCollateralProof.checkSignature(
                collateral.qeIdentitySignature, of: collateral.hashes.qeIdentity, by: path.leaf, "QE identity")
            let identity = try QEIdentity(signed: collateral.qeIdentity)
            return Signed(
                document: identity, path: path,
                validity: path.validity.intersection(
                    Validity("the QE identity", from: identity.issueDate, before: identity.nextUpdate)),
                detail: "QE identity \(identity.evaluationDataNumber) of \(identity.issueDate) for "
                    + "\(identity.tee.nameForDetail), signed by \(path.leaf.nameForDetail)")
        }
    }

    /// The chain of each part; nil unless every part holds, and only then is the proof worth keeping.
    var paths: [CertificatePath]? {
        guard case .success(let lists) = lists, case .success(let tcbInfo) = tcbInfo,
            case .success(let qeIdentity) = qeIdentity
        else { return nil }
        return [lists.path, tcbInfo.path, qeIdentity.path]
    }

    private static func catching<Value>(
        _ body: () throws(Refusal) -> Value
    ) -> Result<Value, Refusal> {
        do throws(Refusal) { return .success(try body()) } catch { return .failure(error) }
    }

    private static func lists(_ collateral: DCAPCollateral, _ known: CertificateMemory) throws(Refusal) -> Lists {
        let chain = try issuerChain(collateral.pckCRLIssuerChain, "PCK revocation list", known)
        let path = try CertificatePath(issuers: chain, refusing: .collateralInvalid, known: known)
        let root = try list(collateral.rootCACRL, issuer: path.root, "root revocation list")
        let pck = try list(collateral.pckCRL, issuer: path.leaf, "PCK revocation list")
        let validity = path.validity
            .intersection(Validity("the root revocation list", from: root.thisUpdate, before: root.nextUpdate))
            .intersection(Validity("the PCK revocation list", from: pck.thisUpdate, before: pck.nextUpdate))
        return Lists(
            root: root, pck: pck, path: path, validity: validity,
            detail:
                "lists of \(root.thisUpdate) by \(path.root.nameForDetail) with \(root.revokedSerials.count) entries "
                + "and of \(pck.thisUpdate) by \(path.leaf.nameForDetail) with \(pck.revokedSerials.count)")
    }

    static func list(
        _ text: String, issuer: Certificate, _ what: String
    ) throws(Refusal) -> CertificateRevocationList {
        let list = try CertificateRevocationList(text: text)
        guard list.issuerName == issuer.subjectName else {
            throw Refusal(.collateralInvalid, "the \(what) is not issued by \(issuer.nameForDetail)")
        }
        guard issuer.keyUsage?.contains(.crlSign) ?? false, list.isSigned(by: issuer) else {
            throw Refusal(.collateralInvalid, "the \(what) is not signed by \(issuer.nameForDetail)")
        }
        return list
    }

    static func signerPath(
        _ pem: String, _ what: String, _ known: CertificateMemory = CertificateMemory(capacity: 8)
    ) throws(Refusal) -> CertificatePath {
        try CertificatePath(try issuerChain(pem, what, known), refusing: .collateralInvalid, known: known)
    }

    /// Issuer and root; Intel's samples have the two the other way round.
    private static func issuerChain(
        _ pem: String, _ what: String, _ known: CertificateMemory
    ) throws(Refusal) -> [Certificate] {
        let chain = try Certificate.chain(pem: pem, refusing: .collateralInvalid, known: known)
        guard chain.count == 2 else {
            throw Refusal(.collateralInvalid, "the issuer chain of the \(what) has 2 certificates, not \(chain.count)")
        }
        return chain[0].issuerName == chain[0].subjectName ? chain.reversed() : chain
    }

    static func checkSignature(
        _ hex: String, of hash: SHA256Digest, by signer: Certificate, _ what: String
    ) throws(Refusal) {
        guard case .p256(let key) = signer.publicKey, let bytes = Hex.decode(hex), bytes.count == 64,
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: bytes),
            key.isValidSignature(signature, for: hash)
        else { throw Refusal(.collateralInvalid, "the signature of the \(what) is wrong") }
    }
}
