import Encoding
import Evidence
import EvidenceForge
import Foundation
import TestSupport
import Testing

/// What another verifier says of the catalogue, told the same root: dcap-qvl, of SGX and TDX.
@Suite(
    "Another verifier judges the catalogue",
    .enabled(if: ProjectFolders.python != nil, "the tests' Python environment is not set up"))
struct PeerTests {
    private static let program = #"""
        import json, sys, dcap_qvl
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding
        folder = sys.argv[1]
        pem = json.load(open(folder + "/root.json"))["sgxRoot"]
        root = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
        judged = {}
        for case in json.load(open(folder + "/expected.json"))["cases"]:
            try:
                quote = open(folder + "/" + case["evidence"], "rb").read()
                collateral = dcap_qvl.QuoteCollateralV3.from_json(open(folder + "/" + case["collateral"]).read())
                report = dcap_qvl.verify_with_root_ca(quote, collateral, root, case["unix"])
                judged[case["id"]] = report.status
            except (KeyError, ValueError):
                judged[case["id"]] = None
        print(json.dumps(judged))
        """#

    /// Writes the cases of SGX and TDX as `cloister forge make` does, and asks the peer.
    private func judged() async throws -> [String: JSON] {
        let folder = try TemporaryFolder()
        let forge = try World.forge.get()
        var entries: [JSON] = []
        for (forgedCase, made) in try World.made.get() where forgedCase.tee == .sgx || forgedCase.tee == .tdx {
            let files = CaseFiles(forgedCase, made: made)
            try write(files.evidence, to: folder.url.appending(path: files.evidencePath))
            if let collateral = files.collateral {
                try write(collateral.bytes, to: folder.url.appending(path: collateral.path))
            }
            entries.append(files.entry)
        }
        try write(forge.root.json.canonical, to: folder.url.appending(path: CaseFiles.rootFile))
        try write(
            CaseFiles.document(entries, seed: "tests").canonical, to: folder.url.appending(path: CaseFiles.caseFile))
        let run = try await ProgramRun.run(
            try #require(ProjectFolders.python), ["-c", PeerTests.program, folder.url.path])
        #expect(run.status == 0, "\(run.errors)")
        return try #require(try JSON.parse(run.output.filter { $0 != UInt8(ascii: "\n") }).object)
    }

    private func write(_ bytes: [UInt8], to file: URL) throws {
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    /// Wrong ones that it accepts, without the kind in front, by the reason.
    private static let accepted: [(reason: String, names: [String])] = [
        ("it does not ask for report data", ["binding-other", "binding-of-other-session", "binding-last-byte"]),
        (
            "it does not look at what follows a quote",
            ["trailing-byte", "trailing-67-bytes", "trailing-zeros-then-a-byte", "oversized"]
        ),
        (
            "it takes its own root and does not look at the one that comes along",
            [
                "root-expired", "root-not-yet-valid", "root-signed-by-stranger", "root-signature-flipped",
                "root-serial-flipped", "root-unknown-critical-extension", "root-x509-version-2", "root-may-not-certify",
                "root-allows-no-ca", "chain-without-root", "chain-with-certificate-twice", "list-chain-without-root",
                "list-chain-of-signer", "tcb-info-chain-without-root", "qe-identity-chain-without-root",
            ]
        ),
        (
            "it reads PEM leniently",
            [
                "chain-with-text-between", "chain-with-nul-between", "chain-other-label", "chain-without-last-line",
            ]
        ),
        (
            "it does not look at key usage",
            ["ca-may-not-certify", "ca-without-key-usage", "pck-may-not-sign", "tcb-signer-may-not-sign"]
        ),
        ("it does not look at the beginning of lists", ["root-list-not-yet-valid", "pck-list-not-yet-valid"]),
        ("it compares with one second's mercy", ["tcb-info-ends-now", "qe-identity-ends-now"]),
        ("it compares CPUSVN, not the components", ["pck-without-first-component", "pck-without-last-component"]),
        (
            "it does not read these members of the TCB info",
            ["tcb-info-version-4", "tcb-info-tcb-type-1", "tcb-info-pceid-other"]
        ),
        (
            "it does not read the outer type of certification data",
            ["outer-certification-type-1", "outer-certification-type-5", "outer-certification-type-7"]
        ),
        ("it does not look at the second half of the quoting enclave's report data", ["binding-tail"]),
        ("it does not compare a supplied chain with the PPID in the quote", ["supplied-chain-of-other-platform"]),
        ("it asks SEAMATTRIBUTES to be as described, not to be zero", ["module-debug"]),
        ("it does not look at XFAM", ["reserved-xfam"]),
    ]
    /// Right ones that it refuses or gives another status.
    private static let otherwise: [(reason: String, names: [String])] = [
        ("it wants the signer first", ["qe-identity-chain-reversed"]),
        ("it compares CPUSVN, not the components", ["platform-at-former-level-by-components"]),
    ]

    @Test func `dcap-qvl says the same of all but those that are named here`() async throws {
        let judged = try await judged()
        var (accepted, otherwise): (Set<String>, Set<String>) = ([], [])
        for forgedCase in Catalogue.cases where forgedCase.tee == .sgx || forgedCase.tee == .tdx {
            let status = judged[forgedCase.name]?.string
            let name = String(forgedCase.name.drop { $0 != "-" }.dropFirst())
            if forgedCase.code == nil, status != forgedCase.tcbStatus { otherwise.insert(name) }
            if forgedCase.code != nil, status != nil { accepted.insert(name) }
        }
        #expect(accepted == Set(PeerTests.accepted.flatMap(\.names)))
        #expect(otherwise == Set(PeerTests.otherwise.flatMap(\.names)))
    }
}
