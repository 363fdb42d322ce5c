import Collateral
import Encoding
import Evidence

/// What `--collateral` names: a collateral object, an evidence document, a bundle of `cloister collateral export`, a
/// certificate or list, or a folder of such.
enum CollateralArgument {
    private static let maximumFiles = 64

    /// The collateral for `input` from all arguments together, completing what the evidence file brought.
    ///
    /// - Throws: `CommandFailure` for arguments that cannot be used; a refusal for collateral that is not there.
    static func collateral(
        for input: EvidenceInput, from paths: [String], _ anchors: TrustAnchors, at time: Timestamp
    ) async throws -> EvidenceCollateral? {
        var found = input.collateral
        var endorsements = SNPEndorsements()
        for path in paths {
            guard Files.exists(path) else { throw CommandFailure.usage("there is no file or folder \(path)") }
            if Files.isFolder(path) {
                if input.tee == .sgx || input.tee == .tdx {
                    found = .dcap(try await fromFolder(path, input, at: time))
                } else {
                    for name in Files.list(path).prefix(maximumFiles) where !Files.isFolder(path + "/" + name) {
                        endorsements.add(try Files.readArgument(path + "/" + name, maximumBytes: 1 << 20))
                    }
                }
                continue
            }
            let bytes = try Files.readArgument(path, maximumBytes: CollateralBundle.maximumBytes)
            if let json = try? JSON.parse(bytes) {
                if json["format"] == "cloister-collateral/1" {
                    found = try await fromBundle(bytes, input, anchors, at: time)
                    continue
                }
                found = try object(json, for: input.tee, path)
            } else {
                endorsements.add(bytes)
            }
        }
        guard input.tee == .snp || input.tee == .hcl, !endorsements.isEmpty else { return found }
        // An Azure VM brings its chip's certificate with the evidence.
        if input.tee == .hcl, let vcek = try HCLEvidence(parsing: input.evidence[...]).vcek { endorsements.add(vcek) }
        var existing: SNPCollateral?
        if case .snp(let collateral) = found { existing = collateral }
        return .snp(try endorsements.collateral(completing: existing))
    }

    private static func object(_ json: JSON, for tee: TEE, _ path: String) throws -> EvidenceCollateral? {
        if json["format"] != nil {
            guard let collateral = try EvidenceDocument(json: json).collateral else {
                throw CommandFailure.usage("the evidence document \(path) carries no collateral")
            }
            return collateral
        }
        do throws(Refusal) { return try EvidenceCollateral(json: json, tee: tee) } catch {
            throw CommandFailure.usage("\(path) is not collateral for \(tee.rawValue): \(error.detail)")
        }
    }

    /// What a bundle has for the platform of the evidence.
    private static func fromBundle(
        _ bytes: [UInt8], _ input: EvidenceInput, _ anchors: TrustAnchors, at time: Timestamp
    ) async throws -> EvidenceCollateral? {
        let client = try CollateralClient(try CollateralBundle(parsing: bytes), anchors: anchors, at: time)
        switch input.tee {
        case .sgx, .tdx:
            let platform = try DCAPPlatformIdentity(of: try DCAPQuote(input.evidence[...]))
            return .dcap(
                try await client.dcap(tee: platform.tee, fmspc: platform.fmspc, ca: platform.ca, at: time))
        case .snp:
            let report = try SNPReport(input.evidence[...])
            // Reports of version 2 do not name their product; then the bundle's certificates do, by trying.
            let products = report.product.map { [$0] } ?? SNPProduct.allCases
            var problem = Refusal(.collateralInvalid, "the bundle has nothing for the chip of the report")
            for product in products {
                do throws(Refusal) {
                    return .snp(
                        try await client.snp(
                            product: product, chipID: Array(report.chipID), tcb: report.reportedTCB(product), at: time))
                } catch { problem = error }
            }
            throw problem
        case .hcl, .tpm, .nitro, .nvidia:
            throw CommandFailure.usage("a bundle has collateral for sgx, tdx and snp evidence")
        }
    }

    /// Files by FMSPC, as `simulated-tee` publishes them, or one collateral object by another name.
    private static func fromFolder(_ path: String, _ input: EvidenceInput, at time: Timestamp) async throws
        -> DCAPCollateral
    {
        let platform = try DCAPPlatformIdentity(of: try DCAPQuote(input.evidence[...]))
        do throws(Refusal) {
            return try await CollateralFolder(path: path).dcap(
                tee: platform.tee, fmspc: platform.fmspc, ca: platform.ca, at: time)
        } catch {
            for name in Files.list(path).prefix(maximumFiles) where name.hasSuffix(".json") {
                if let json = try? Files.json(path + "/" + name), let collateral = try? DCAPCollateral(json: json) {
                    return collateral
                }
            }
            throw error
        }
    }
}
