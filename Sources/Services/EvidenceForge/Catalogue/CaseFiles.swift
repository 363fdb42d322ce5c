package import Encoding
import Evidence

/// A case as files: its evidence, its collateral, and its entry in a case file.
///
/// - Source: formats section 8, "Case files".
package struct CaseFiles: Sendable {
    /// Paths are relative to the case file.
    package let evidencePath: String
    package let evidence: [UInt8]
    /// Path and canonical JSON; nil for a case without collateral.
    package let collateral: (path: String, bytes: [UInt8])?
    /// The entry of `cases`.
    package let entry: JSON

    /// The name of the case file, and of the root file beside it.
    package static let caseFile = "expected.json"
    package static let rootFile = "root.json"

    /// Makes the evidence of a case.
    ///
    /// - Throws: when the crypto library fails.
    package init(_ forgedCase: ForgedCase, in forge: Forge) throws {
        self.init(forgedCase, made: try forgedCase.make(forge))
    }

    /// - Parameter made: the case's evidence.
    package init(_ forgedCase: ForgedCase, made: ForgedEvidence) {
        evidence = made.evidence
        evidencePath = "\(forgedCase.tee.rawValue)/\(forgedCase.name).\(made.isText ? "json" : "bin")"
        collateral = made.collateral.map {
            ("\(forgedCase.tee.rawValue)/\(forgedCase.name).collateral.json", $0.json.canonical)
        }
        var members: [String: JSON] = [
            "id": .string(forgedCase.name), "tee": .string(made.tee.rawValue), "evidence": .string(evidencePath),
            "time": .string(made.time.description), "unix": .integer(made.time.seconds),
            "expect": .string(forgedCase.expectation), "code": forgedCase.code.map { .string($0.name) } ?? .null,
            "trust": .string(CaseFiles.rootFile),
        ]
        if let collateral { members["collateral"] = .string(collateral.path) }
        if let abuseCase = forgedCase.abuseCase { members["abuseCase"] = .string(abuseCase) }
        if let binding = made.binding { members["nonce_hex"] = .string(Hex.encode(binding)) }
        entry = .object(members)
    }

    /// The case file over entries.
    package static func document(_ entries: [JSON], seed: String) -> JSON {
        ["format": 1, "seed": .string(seed), "cases": .array(entries)]
    }
}

extension ForgedEvidence {
    /// Whether the evidence is JSON.
    fileprivate var isText: Bool { evidence.first == UInt8(ascii: "{") }
}
