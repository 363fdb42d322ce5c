import Crypto
import Encoding
import Foundation
import TestSupport
import Testing

@testable import Evidence

/// The bounded pass of the fuzzers' corpora (`Documentation/fuzzing.md`): no trap, nothing accepted that nobody signed.
///
/// The work is bounded by counts: so many mutants of files of at most so many bytes.
@Suite("Hostile input")
struct HostileInputTests {
    private static let mutantsPerParser = 400
    static let parsers = HostileParsers.all.map(\.name)

    /// Every slow step is taken.
    private static let world = Result { try HostileWorld(sampling: 1) }

    private static func corpus(_ parser: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = ProjectFolders.root.appending(path: "Fuzz/Corpus/\(parser)")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { ($0.lastPathComponent, [UInt8](try Data(contentsOf: $0))) }
    }

    @Test func `the genuine evidence of the hostile world is accepted`() throws {
        for verdict in try Self.world.get().verdicts() { #expect(verdict.accepted, "\(verdict.tee) \(verdict.detail)") }
    }

    @Test(arguments: parsers)
    func `a corpus is there, holds the seeds of today, and is small`(parser: String) throws {
        let corpus = try Self.corpus(parser)
        #expect(corpus.count <= 40)
        #expect(corpus.reduce(0) { $0 + $1.bytes.count } <= 200 << 10)
        let seeds = try Self.world.get().seeds(parser).map { "seed-" + $0.name }
        #expect(!seeds.isEmpty && Set(corpus.map(\.name)).isSuperset(of: seeds))
    }

    @Test(arguments: parsers)
    func `AC-018 neither a corpus nor its mutants trap a parser or get anything accepted`(parser: String) throws {
        let world = try Self.world.get()
        let run = try #require(HostileParsers.named(parser))
        let corpus = try Self.corpus(parser)
        var generator = SeededGenerator(seed: 3)
        for (name, bytes) in corpus { #expect(run(bytes, world) == nil, "\(name)") }
        for number in 0..<Self.mutantsPerParser {
            let (name, bytes) = corpus[number % corpus.count]
            let other = corpus.randomElement(using: &generator)?.bytes ?? []
            var mutant = bytes
            // Most have one fault, so that they get far.
            for _ in 0..<(number.isMultiple(of: 4) ? 3 : 1) {
                guard let mutation = Mutation.allCases.randomElement(using: &generator) else { break }
                mutant = mutation.apply(mutant, other, &generator)
            }
            if let fault = run(mutant, world) { Issue.record("mutant \(number) of \(name): \(fault)") }
        }
    }

    @Test(arguments: parsers)
    func `AC-018 what is meant for other parsers is read or refused`(parser: String) throws {
        let world = try Self.world.get()
        let run = try #require(HostileParsers.named(parser))
        for other in Self.parsers where other != parser {
            for (name, bytes) in try Self.corpus(other).prefix(3) {
                #expect(run(bytes, world) == nil, "\(other)/\(name)")
            }
        }
    }

    @Test(arguments: WorstShape.all.map { "\($0.parser): \($0.name)" })
    func `AC-018 the worst shape of an input is read or refused`(shape: String) throws {
        let world = try Self.world.get()
        let found = try #require(WorstShape.all.first { "\($0.parser): \($0.name)" == shape })
        let run = try #require(HostileParsers.named(found.parser))
        for count in [0, 1_000, 16_000] { #expect(run(found.make(count, world), world) == nil) }
    }
}

/// What the fuzzers and their worst shapes found, each as the smallest test.
@Suite("Found by fuzzing")
struct FuzzingFindingTests {
    private static let marks = String(repeating: "\u{301}", count: 31)

    @Test(
        "text with more combining marks in a row than any language needs is refused, since to compare it is quadratic")
    func streamSafe() throws {
        #expect(throws: JSON.ParseError.self) { try JSON.parse("[\"e\(Self.marks)\"]") }
        #expect(throws: JSON.ParseError.self) { try JSON.parse("{\"e\(Self.marks)\":0}") }
        let most = String(Self.marks.unicodeScalars.dropFirst())
        #expect(try JSON.parse("[\"e\(most)e\(most)\"]").array?.first?.string == "e\(most)e\(most)")
        let broken: [UInt8] = [0xff]
        #expect(String(streamSafe: broken.span) == nil)
    }

    @Test func `a name in a CBOR map is refused for the same reason`() throws {
        var fixture = NitroFixture()
        fixture.changeMembers = { $0.append((.text(Self.marks), .null)) }
        #expect(try fixture.built().verdict().code == .evidenceMalformed)
    }

    @Test func `a certificate whose name or serial number is longer than any is not read`() throws {
        let key = TestKey.newP256()
        var certificate = TestCertificate.root(String(repeating: "n", count: 256), key)
        _ = try Certificate(der: certificate.selfSigned())
        certificate.subject += "n"
        #expect(throws: Refusal.self) { try Certificate(der: certificate.selfSigned()) }
        var numbered = TestCertificate.root("root", key)
        numbered.longSerial = Array(repeating: 0xff, count: 20)
        _ = try Certificate(der: numbered.selfSigned())
        numbered.longSerial = Array(repeating: 0xff, count: 21)
        #expect(throws: Refusal.self) { try Certificate(der: numbered.selfSigned()) }
    }

    @Test func `times of any size are counted and written`() {
        for seconds in [Int64.min, .min + 1, .max - 1, .max] {
            let time = Timestamp(seconds: seconds)
            #expect(!time.description.isEmpty)
            #expect((time + .max).seconds >= seconds && (time + .min).seconds <= seconds)
            #expect((time - .max).seconds <= seconds && (time - .min).seconds >= seconds)
        }
        #expect(Timestamp(seconds: .max) - Timestamp(seconds: .min) == .max)
        #expect(Timestamp(seconds: .min) - Timestamp(seconds: .max) == .min)
    }

    @Test func `only what is proven under a trusted root is remembered`() throws {
        let quote = try SGXFixture().built()
        let report = try SNPFixture().built()
        let document = try NitroFixture().built()
        let device = try NVIDIAFixture().built()
        let machine = try TPMFixture(key: .p256(.init()))
        let attestation = try machine.evidence()
        func remembered(_ anchors: TrustAnchors) -> [Int] {
            let verifier = EvidenceVerifier(anchors: anchors)
            let time = NitroFixture.time
            for _ in 0..<2 {
                _ = verifier.verify(quote.quote, tee: .sgx, collateral: .dcap(quote.collateral), at: time)
                _ = verifier.verify(report.report, tee: .snp, collateral: .snp(report.collateral), at: time)
                _ = try? verifier.endorser(of: report.collateral.chain + report.collateral.vek)
                _ = verifier.verify(document.document, tee: .nitro, collateral: nil, at: time)
                _ = verifier.verify(device.evidence, tee: .nvidia, collateral: nil, at: time)
                _ = verifier.verify(attestation, tee: .tpm, collateral: nil, at: time)
            }
            return [
                verifier.pckChains.count, verifier.platforms.count, verifier.dcapCollateral.count,
                verifier.snpEndorsements.count, verifier.snpEndorsers.count, verifier.nitroChains.count,
                verifier.nvidiaEndorsements.count, verifier.attestationKeyChains.count,
            ]
        }
        #expect(remembered(.vendors) == [0, 0, 0, 0, 0, 0, 0, 0])
        let trusting = try TrustAnchors().trusting(quote.root, as: .dcap, grade: .hardware)
            .trusting(report.root, as: .ark(.genoa), grade: .hardware)
            .trusting(document.root, as: .nitro, grade: .hardware).trusting(device.root, as: .nvidia, grade: .hardware)
            .trusting(Certificate(der: machine.root.selfSigned()), as: .googleVTPM, grade: .hardware)
        #expect(remembered(trusting) == [1, 1, 1, 1, 1, 1, 1, 1])
    }

    @Test func `error texts are short whatever a stranger calls a thing`() throws {
        let name = String(repeating: "\u{200d}", count: 1_000)
        let document = #"{"format":"cloister-evidence/1","tee":"\#(name)","evidence":"AA"}"#
        let refusal = #expect(throws: Refusal.self) { try EvidenceDocument(parsing: Array(document.utf8)) }
        #expect(try #require(refusal).detail.utf8.count < 200)
    }
}
