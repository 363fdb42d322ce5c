import Collateral
import Encoding
import Evidence

/// What `--collateral` names: a collateral object, an evidence document, a certificate or list, or a folder of such.
enum CollateralArgument {
    private static let maximumFiles = 64

    /// The collateral for `input` from all arguments together, completing what the evidence file brought.
    ///
    /// - Throws: `CommandFailure` for arguments that cannot be used; a refusal for collateral that is not there.
    static func collateral(for input: EvidenceInput, from paths: [String], at time: Timestamp) async throws
        -> EvidenceCollateral?
    {
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
            let bytes = try Files.readArgument(path, maximumBytes: EvidenceDocument.maximumBytes)
            if let json = try? JSON.parse(bytes) {
                found = try object(json, for: input.tee, path)
            } else {
                endorsements.add(bytes)
            }
        }
        guard input.tee == .snp, !endorsements.isEmpty else { return found }
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

    /// Files by FMSPC, as `simulated-tee` publishes them, or one collateral object by another name.
    private static func fromFolder(_ path: String, _ input: EvidenceInput, at time: Timestamp) async throws
        -> DCAPCollateral
    {
        let platform = try DCAPPlatformIdentity(of: try DCAPQuote(input.evidence[...]))
        do throws(Refusal) {
            return try await CollateralFolder(path: path).sgx(fmspc: platform.fmspc, ca: platform.ca, at: time)
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
