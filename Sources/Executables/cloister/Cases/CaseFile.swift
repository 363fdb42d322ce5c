import Encoding
import Evidence
import FoundationEssentials

/// A file of evidence with what is expected of each piece: recorded evidence, or what `cloister forge` makes.
///
/// - Source: formats section 8, "Case files".
struct CaseFile {
    /// Longest case file, in bytes.
    private static let maximumBytes = 16 << 20

    let cases: [EvidenceCase]

    /// - Throws: `CommandFailure` for a file that is not readable as one of cases.
    init(_ path: String) throws(CommandFailure) {
        let bytes = try Files.readArgument(path, maximumBytes: CaseFile.maximumBytes)
        guard let json = try? JSON.parse(bytes), let entries = json["cases"]?.array else {
            throw .usage("\(path) is not a case file", advice: "it is JSON with the member cases")
        }
        var cases: [EvidenceCase] = []
        let folder = Files.folder(of: Files.absolute(path))
        for (index, entry) in entries.enumerated() {
            guard let one = EvidenceCase(entry, folder: folder) else {
                throw .usage("\(path): case \(index + 1) lacks id, tee or evidence, or one of them is wrong")
            }
            cases.append(one)
        }
        self.cases = cases
    }
}

/// One case, with the files that it names.
struct EvidenceCase {
    let id: String
    let tee: TEE
    /// Nil for evidence whose verdict does not depend on the time.
    let time: Timestamp?
    let expect: String
    /// What the evidence must be bound to.
    let binding: [UInt8]?
    let abuseCase: String?
    private let code: String?
    let entry: JSON
    private let folder: String

    init?(_ json: JSON, folder: String) {
        guard let id = json["id"]?.string, let tee = json["tee"]?.string.flatMap(TEE.init(rawValue:)),
            json["evidence"]?.string != nil
        else { return nil }
        self.id = id
        self.tee = tee
        time = json["unix"]?.integer.map { Timestamp(seconds: $0) }
        expect = json["expect"]?.string ?? ""
        binding = json["nonce_hex"]?.string.flatMap { Hex.decode($0) }
        abuseCase = json["abuseCase"]?.string
        code = json["code"]?.string
        entry = json
        self.folder = folder
    }

    var expectation: CaseExpectation? { CaseExpectation(expect, code: code) }

    /// A root that must be named for the expectation to hold.
    var root: String? { (entry["trust"]?.string ?? entry["files"]?["trusted_root"]?.string).map(path) }

    /// With a root that only makes the difference: the case is refused without it (`when the sample root …; reject …`).
    var isRefusedWithoutRoot: Bool { entry["files"]?["trusted_root"] != nil }

    /// The path of a file that the case names.
    func path(_ relative: String) -> String { folder + "/" + relative }

    /// - Throws: `CommandFailure` when the case does not name the file or it cannot be read.
    func file(_ member: String) throws(CommandFailure) -> [UInt8] {
        guard let name = entry[member]?.string else { throw .usage("case \(id) does not name its \(member)") }
        return try Files.readArgument(path(name))
    }
}
