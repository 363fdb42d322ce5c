import Encoding
import Evidence

// The forms in which recorded evidence lies in files.
extension EvidenceCase {
    /// The evidence as the verifier takes it.
    ///
    /// - Throws: `CommandFailure` for files that are missing; a refusal for those that cannot be evidence.
    func evidence() throws -> [UInt8] {
        let bytes = Array(try file("evidence").dropFirst(Int(entry["evidence_offset"]?.integer ?? 0)))
        switch tee {
        case .nvidia:
            guard entry["chain"] != nil else { return bytes }
            // A report in hex, with its chain in a file of its own.
            guard let report = Hex.decode(EvidenceCase.text(bytes)) else {
                throw Refusal(.evidenceMalformed, "the report is not hexadecimal")
            }
            return NVIDIAEvidence(report: report, certificateChain: try file("chain")).json.canonical
        case .nitro:
            // Recorded ones are base64 in files with such names; in any other file that would be a fault.
            let isText = ["b64", "base64"].contains { entry["evidence"]?.string?.hasSuffix($0) ?? false }
            return isText ? Base64.decode(EvidenceCase.text(bytes), .lenient) ?? bytes : bytes
        case .hcl:
            guard entry["tpm_quote"] != nil else { return bytes }
            // A report of the paravisor, with the quote in a file of its own.
            let quote = try HCLQuote(bincode: try file("tpm_quote"))
            return HCLEvidence(report: bytes, quote: quote).json.canonical
        case .sgx, .tdx, .snp, .tpm:
            return bytes
        }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
    }

    /// The collateral that the case names; nil when it names none.
    ///
    /// - Throws: as `evidence`.
    func collateral() throws -> EvidenceCollateral? {
        if let files = entry["files"] { return .dcap(try separate(files)) }
        guard let name = entry["collateral"]?.string else { return nil }
        if Files.isFolder(path(name)) {
            var endorsements = SNPEndorsements()
            let leaf = try file("endorsement")
            endorsements.add(leaf)
            for file in Files.list(path(name)) where file.hasSuffix(".pem") {
                endorsements.add(try Files.readArgument(path(name) + "/" + file))
            }
            return .snp(try endorsements.collateral())
        }
        let bytes = try Files.readArgument(path(name))
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.collateralInvalid, "\(name): \(error)")
        }
        do throws(Refusal) { return try EvidenceCollateral(json: json, tee: tee) } catch {
            throw Refusal(.collateralInvalid, "\(name): \(error.detail)")
        }
    }

    /// Collateral in a file for each part, documents and signatures together as Intel's service answers them.
    private func separate(_ files: JSON) throws -> DCAPCollateral {
        func bytes(_ name: String) throws -> [UInt8] {
            guard let file = files[name]?.string else { throw CommandFailure.usage("case \(id) does not name \(name)") }
            return try Files.readArgument(path(file))
        }
        func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }
        // The signature covers the member's bytes as they are.
        func document(_ name: String, _ member: String) throws -> (document: String, signature: String) {
            let whole = try text(name)
            guard let signature = (try? JSON.parse(whole))?["signature"]?.string,
                let start = whole.firstRange(of: "\"\(member)\":")?.upperBound,
                let end = whole.firstRange(of: ",\"signature\"")?.lowerBound, start < end
            else { throw Refusal(.collateralInvalid, "\(name) is not signed JSON") }
            return (String(whole[start..<end]), signature)
        }
        let info = try document("tcb_info", "tcbInfo")
        let identity = try document("qe_identity", "enclaveIdentity")
        return DCAPCollateral(
            pckCRLIssuerChain: try text("pck_sign_chain"), rootCACRL: Hex.encode(try bytes("root_ca_crl")),
            pckCRL: Hex.encode(try bytes("intermediate_ca_crl")), tcbInfoIssuerChain: try text("tcb_sign_chain"),
            tcbInfo: info.document, tcbInfoSignature: info.signature, qeIdentityIssuerChain: try text("tcb_sign_chain"),
            qeIdentity: identity.document, qeIdentitySignature: identity.signature,
            pckCertificateChain: try text("pck_cert") + text("pck_sign_chain"))
    }
}
