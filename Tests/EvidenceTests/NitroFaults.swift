import Crypto
import Encoding
import Evidence

// One thing wrong each, in the order of `evidence.md` section 2.4.
extension NitroFaultTests {
    static let faults: [Fault] = [
        // The message.
        Fault("another algorithm, ES256", .evidenceMalformed, "format") { $0.protected = [0xa1, 0x01, 0x26] },
        Fault("another algorithm, PS384", .evidenceMalformed, "format") { $0.protected = [0xa1, 0x01, 0x38, 0x25] },
        Fault("no algorithm", .evidenceMalformed, "format") { $0.protected = [0xa0] },
        Fault("an empty protected header", .evidenceMalformed, "format") { $0.protected = [] },
        Fault("another protected header", .evidenceMalformed, "format") {
            $0.protected = [0xa2, 0x01, 0x38, 0x22, 0x03, 0x00]
        },
        Fault("bytes behind the protected header", .evidenceMalformed, "format") { $0.protected += [0x00] },
        Fault("an algorithm not in its shortest form", .evidenceMalformed, "format") {
            $0.protected = [0xa1, 0x01, 0x39, 0x00, 0x22]
        },
        Fault("an unprotected header", .evidenceMalformed, "format") {
            $0.unprotected = .map([(.unsigned(4), .bytes([1]))])
        },
        Fault("no unprotected header", .evidenceMalformed, "format") { $0.unprotected = .null },
        Fault("DER signature", .evidenceMalformed, "format") {
            $0.changeSignature = { .bytes(Array($0.derRepresentation)) }
        },
        Fault("a signature of 95 bytes", .evidenceMalformed, "format") {
            $0.changeSignature = { .bytes(Array(Array($0.rawRepresentation).dropLast())) }
        },
        Fault("tag of COSE_Mac0", .evidenceMalformed, "format") { $0.encodesMessage = { .tag(17, .array($0)) } },
        Fault("tag in two bytes", .evidenceMalformed, "format") {
            $0.encodesMessage = { .raw([0xd8, 18] + TestCBOR.array($0).encoded) }
        },
        Fault("the tag twice", .evidenceMalformed, "format") { $0.encodesMessage = { .tag(18, .tag(18, .array($0))) } },
        Fault("three items", .evidenceMalformed, "format") { $0.encodesMessage = { .array(Array($0.dropLast())) } },
        Fault("five items", .evidenceMalformed, "format") { $0.encodesMessage = { .array($0 + [.null]) } },
        Fault("AC-018 trailing bytes", .evidenceMalformed, "format") {
            $0.encodesMessage = { .raw(TestCBOR.array($0).encoded + [0]) }
        },
        Fault("AC-018 trailing bytes in the payload", .evidenceMalformed, "format") {
            $0.encodesMembers = { .raw(TestCBOR.map($0).encoded + [0]) }
        },
        Fault("AC-001 signed by another key", .evidenceSignature, "document-signature") { $0.signsWith = .newP384() },
        Fault("s and r the other way round", .evidenceSignature, "document-signature") {
            $0.changeSignature = {
                let raw = Array($0.rawRepresentation)
                return .bytes(Array(raw[48...] + raw[..<48]))
            }
        },
        Fault("a signature of zeros", .evidenceSignature, "document-signature") {
            $0.changeSignature = { _ in .bytes(Array(repeating: 0, count: 96)) }
        },
        // CBOR.
        Fault("a member twice", .evidenceMalformed, "format") { $0.changeMembers = { $0.append($0[8]) } },
        Fault("an unknown member twice", .evidenceMalformed, "format") {
            $0.changeMembers = { $0 += [(.text("new"), .null), (.text("new"), .null)] }
        },
        Fault("a PCR twice", .evidenceMalformed, "format") { $0.pcrs.append($0.pcrs[0]) },
        Fault("a key twice inside an unknown member", .evidenceMalformed, "format") {
            $0.changeMembers = { $0.append((.text("new"), .map([(.unsigned(1), .null), (.unsigned(1), .null)]))) }
        },
        Fault("nonce in chunks", .evidenceMalformed, "format") { $0.nonce = .raw([0x5f, 0x41, 1, 0x41, 2, 0xff]) },
        Fault("module id in chunks", .evidenceMalformed, "format") { $0.moduleID = .raw([0x7f, 0x61, 0x69, 0xff]) },
        Fault("an unknown member in chunks", .evidenceMalformed, "format") {
            $0.changeMembers = { $0.append((.text("new"), .raw([0x5f, 0xff]))) }
        },
        Fault("a length not in its shortest form", .evidenceMalformed, "format") { $0.nonce = .raw([0x58, 1, 7]) },
        Fault("a timestamp not in its shortest form", .evidenceMalformed, "format") {
            $0.timestamp = .raw([0x1b, 0, 0, 0, 0, 0x68, 0x4e, 0xe1, 0x80])
        },
        Fault("a PCR index not in its shortest form", .evidenceMalformed, "format") {
            $0.pcrs[3].0 = .raw([0x18, 0x03])
        },
        Fault("a timestamp that is a float", .evidenceMalformed, "format") {
            $0.timestamp = .raw([0xfb, 0x42, 0x79, 0x76, 0, 0, 0, 0, 0])
        },
        Fault("a timestamp beyond 63 bits", .evidenceMalformed, "format") { $0.timestamp = .unsigned(.max) },
        Fault("a negative timestamp", .evidenceMalformed, "format") { $0.timestamp = .negative(5) },
        Fault("undefined instead of null", .evidenceMalformed, "format") { $0.publicKey = .raw([0xf7]) },
        Fault("text that is not UTF-8", .evidenceMalformed, "format") { $0.moduleID = .raw([0x62, 0xc3, 0x28]) },
        Fault("a reserved head", .evidenceMalformed, "format") {
            $0.changeMembers = { $0.append((.text("new"), .raw([0x1c]))) }
        },
        Fault("a break outside an indefinite item", .evidenceMalformed, "format") {
            $0.changeMembers = { $0.append((.text("new"), .raw([0xff]))) }
        },
        Fault("a simple value in a longer form", .evidenceMalformed, "format") {
            $0.changeMembers = { $0.append((.text("new"), .raw([0xf8, 0x16]))) }
        },
        Fault("a key that is an array", .evidenceMalformed, "format") {
            $0.changeMembers = { $0.append((.array([]), .null)) }
        },
        Fault("an unknown member nested too deeply", .evidenceMalformed, "format") {
            $0.changeMembers = { $0.append((.text("new"), .nested(9))) }
        },
        Fault("a hundred thousand arrays", .evidenceMalformed, "format") {
            $0.changeMembers = { $0.append((.text("new"), .raw(Array(repeating: 0x81, count: 100_000)))) }
        },
        Fault("an array of 2^60 items", .evidenceMalformed, "format") {
            $0.changeMembers = { $0.append((.text("new"), .raw([0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0]))) }
        },
        Fault("a string of 2^63 bytes", .evidenceMalformed, "format") {
            $0.changeMembers = { $0.append((.text("new"), .raw([0x5b, 0x80, 0, 0, 0, 0, 0, 0, 0]))) }
        },
        Fault("a payload that is an array", .evidenceMalformed, "format") {
            $0.encodesMembers = { .array($0.map(\.1)) }
        },
        // Members.
        Fault("another digest", .evidenceMalformed, "format") { $0.digest = .text("SHA256") },
        Fault("a PCR of 32 bytes", .evidenceMalformed, "format") {
            $0.pcrs[4].1 = .bytes(Array(repeating: 0, count: 32))
        },
        Fault("a PCR of 49 bytes", .evidenceMalformed, "format") {
            $0.pcrs[4].1 = .bytes(Array(repeating: 0, count: 49))
        },
        Fault("a PCR with index 32", .evidenceMalformed, "format") { $0.pcrs[4].0 = .unsigned(32) },
        Fault("a PCR with a name", .evidenceMalformed, "format") { $0.pcrs[4].0 = .text("4") },
        Fault("user data of 1,025 bytes", .evidenceMalformed, "format") {
            $0.userData = .bytes(Array(repeating: 1, count: 1_025))
        },
        Fault("nonce of 1,025 bytes", .evidenceMalformed, "format") {
            $0.nonce = .bytes(Array(repeating: 1, count: 1_025))
        },
        Fault("public key of 1,025 bytes", .evidenceMalformed, "format") {
            $0.publicKey = .bytes(Array(repeating: 1, count: 1_025))
        },
        Fault("module id of 1,025 bytes", .evidenceMalformed, "format") {
            $0.moduleID = .text(String(repeating: "i", count: 1_025))
        },
        Fault("nonce that is text", .evidenceMalformed, "format") { $0.nonce = .text("nonce") },
        // The chain.
        Fault("cabundle null", .evidenceChain, "certificate-chain") { $0.changeBundle = { _ in .null } },
        Fault("cabundle empty", .evidenceChain, "certificate-chain") { $0.changeBundle = { _ in .array([]) } },
        Fault("cabundle missing", .evidenceChain, "certificate-chain") { $0.changeMembers = { $0.remove(at: 5) } },
        Fault("cabundle of eight", .evidenceMalformed, "format") {
            $0.changeBundle = { .array(($0 + $0).map(TestCBOR.bytes)) }
        },
        Fault("cabundle with the root last", .evidenceChain, "certificate-chain") {
            $0.changeBundle = { .array($0.reversed().map(TestCBOR.bytes)) }
        },
        Fault("cabundle with two swapped", .evidenceChain, "certificate-chain") {
            $0.changeBundle = { .array([$0[0], $0[2], $0[1], $0[3]].map(TestCBOR.bytes)) }
        },
        Fault("cabundle without the root", .evidenceChain, "certificate-chain") {
            $0.changeBundle = { .array($0.dropFirst().map(TestCBOR.bytes)) }
        },
        Fault("cabundle with an issuer left out", .evidenceChain, "certificate-chain") {
            $0.changeBundle = { .array([$0[0], $0[1], $0[3]].map(TestCBOR.bytes)) }
        },
        Fault("AC-002 a broken certificate", .evidenceChain, "certificate-chain") {
            $0.changeCertificate = { .bytes(Array($0.dropLast())) }
        },
        Fault("AC-002 a flipped bit in an issuer's signature", .evidenceChain, "certificate-chain") {
            $0.changeBundle = { bundle in
                var bundle = bundle
                bundle[2][bundle[2].count - 1] ^= 1
                return .array(bundle.map(TestCBOR.bytes))
            }
        },
        Fault("an issuer that is no CA", .evidenceChain, "certificate-chain") {
            $0.authorities[2].isAuthority = false
            $0.authorities[2].pathLength = nil
        },
        Fault("an issuer without basic constraints", .evidenceChain, "certificate-chain") {
            $0.authorities[2].isAuthority = nil
        },
        Fault("an issuer that may not sign certificates", .evidenceChain, "certificate-chain") {
            $0.authorities[3].keyUsage = TestCertificate.digitalSignature
        },
        Fault("a chain longer than an issuer allows", .evidenceChain, "certificate-chain") {
            $0.authorities[1].pathLength = 1
        },
        Fault("a leaf that is a CA", .evidenceChain, "certificate-chain") { $0.leaf.isAuthority = true },
        Fault("an issuer of another curve", .evidenceChain, "certificate-chain") {
            $0.authorities[2].key = .newP256()
        },
        Fault("a leaf issued in another name", .evidenceChain, "certificate-chain") {
            $0.leafIssuer = "zone.aws.nitro-enclaves.example"
        },
        Fault("leaf expired", .evidenceChain, "certificate-validity") {
            $0.leaf.notAfter = NitroFixture.time - 1
        },
        Fault("leaf not yet valid", .evidenceChain, "certificate-validity") {
            $0.leaf.notBefore = NitroFixture.time + 1
        },
        Fault("issuer expired", .evidenceChain, "certificate-validity") {
            $0.authorities[1].notAfter = NitroFixture.time - 1
        },
        Fault("issuer not yet valid", .evidenceChain, "certificate-validity") {
            $0.authorities[3].notBefore = NitroFixture.time + 1
        },
        // The document's time, and debugging.
        Fault("made before its certificate", .evidenceChain, "timestamp") {
            $0.timestamp = .unsigned(1_749_999_989_999)
        },
        Fault("made after its certificate", .evidenceChain, "timestamp") {
            $0.timestamp = .unsigned(1_750_010_791_000)
        },
        Fault("made in the future", .evidenceChain, "timestamp") { $0.timestamp = .unsigned(1_750_000_121_000) },
        Fault("AC-005 PCR0 to PCR2 zero", .debugEnabled, "debug") { fixture in
            for index in 0..<3 { fixture.pcrs[index].1 = .bytes(Array(repeating: 0, count: 48)) }
        },
        Fault("AC-005 PCR2 alone zero", .debugEnabled, "debug") {
            $0.pcrs[2].1 = .bytes(Array(repeating: 0, count: 48))
        },
        Fault("AC-005 PCR0 missing", .debugEnabled, "debug") { $0.pcrs.removeFirst() },
    ]
}
