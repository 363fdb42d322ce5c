import Encoding

@testable import Evidence

/// An input in the shape that costs its parser most, in any length.
struct WorstShape: Sendable {
    /// A name of `HostileParsers.all`.
    let parser: String
    let name: String
    /// About so many bytes of input.
    let make: @Sendable (_ count: Int, _ world: HostileWorld) -> [UInt8]

    static let all: [WorstShape] = text + x509 + evidence + collateral

    private static func repeated(_ text: String, _ count: Int) -> [UInt8] {
        let bytes = Array(text.utf8)
        var all: [UInt8] = []
        all.reserveCapacity(count + bytes.count)
        while all.count < count { all += bytes }
        return all
    }

    /// Each piece by its number.
    private static func numbered(_ count: Int, _ piece: (Int) -> [UInt8]) -> [UInt8] {
        var all: [UInt8] = []
        var number = 0
        while all.count < count {
            all += piece(number)
            number += 1
        }
        return all
    }

    private static func quoted(_ content: [UInt8], _ before: String = "\"", _ after: String = "\"") -> [UInt8] {
        Array(before.utf8) + content + Array(after.utf8)
    }
}

// MARK: Text

extension WorstShape {
    private static let text = [
        WorstShape(parser: "base64", name: "one long value") { count, _ in repeated("AAAA", count) },
        WorstShape(parser: "base64", name: "blanks") { count, _ in repeated(" \n", count) },
        WorstShape(parser: "json", name: "nested arrays") { count, _ in repeated("[", count) },
        WorstShape(parser: "json", name: "nested objects") { count, _ in repeated("{\"\":", count) },
        WorstShape(parser: "json", name: "array of zeros") { count, _ in quoted(repeated("0,", count), "[", "0]") },
        WorstShape(parser: "json", name: "array of arrays") { count, _ in quoted(repeated("[],", count), "[", "0]") },
        WorstShape(parser: "json", name: "array of objects") { count, _ in
            quoted(repeated("{\"\":0},", count), "[", "0]")
        },
        WorstShape(parser: "json", name: "many members") { count, _ in
            quoted(numbered(count) { Array("\"\($0)\":0,".utf8) }, "{", "\"\":0}")
        },
        WorstShape(parser: "json", name: "members with names alike") { count, _ in
            let start = String(repeating: "a", count: 500)
            return quoted(numbered(count) { Array("\"\(start)\($0)\":0,".utf8) }, "{", "\"\":0}")
        },
        WorstShape(parser: "json", name: "a name of combining marks") { count, _ in
            quoted(repeated("\u{301}", count / 2) + repeated("\u{323}", count / 2), "{\"", "\":0}")
        },
        WorstShape(parser: "json", name: "a name of one character") { count, _ in
            quoted(repeated("\u{1F469}\u{200D}", count), "{\"", "\":0}")
        },
        WorstShape(parser: "json", name: "a name of Hangul") { count, _ in
            quoted(repeated("\u{1100}\u{1161}\u{11a8}", count), "{\"", "\":0}")
        },
        WorstShape(parser: "json", name: "escapes") { count, _ in quoted(repeated("\\ud83d\\ude00", count)) },
        WorstShape(parser: "json", name: "digits") { count, _ in repeated("1", count) },
        WorstShape(parser: "json", name: "blanks") { count, _ in repeated(" ", count) },
        WorstShape(parser: "pem", name: "short lines") { count, _ in
            quoted(repeated("A\n", count), "-----BEGIN CERTIFICATE-----\n", "\n-----END CERTIFICATE-----\n")
        },
        WorstShape(parser: "pem", name: "blank lines") { count, _ in repeated(" \r\n", count) },
        WorstShape(parser: "pem", name: "a line of combining marks") { count, _ in
            repeated("\u{301}", count / 2) + repeated("\u{323}", count / 2)
        },
        WorstShape(parser: "pem", name: "empty blocks") { count, _ in
            repeated("-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n", count)
        },
        WorstShape(parser: "time", name: "fraction") { count, _ in
            quoted(repeated("0", count), "2025-06-19T11:56:11.", "Z")
        },
    ]
}

// MARK: X.509

extension WorstShape {
    private static func certificate(
        _ world: HostileWorld, _ change: (inout TestCertificate) -> Void
    ) -> [UInt8] {
        var certificate = TestCertificate.leaf("leaf", world.platform.pckKey)
        change(&certificate)
        return (try? certificate.der(issuer: "issuer", signedBy: world.platform.authorityKey)) ?? []
    }

    /// Certificates are read up to this length; what is longer costs nothing.
    private static let certificateRoom = Certificate.maximumBytes - 1_024

    private static let x509 = [
        WorstShape(parser: "certificate", name: "many extensions") { count, world in
            certificate(world) {
                for number in 0..<min(count, certificateRoom) / 16 {
                    $0.extensions.append(("1.2.3.\(number)", true, []))
                }
            }
        },
        WorstShape(parser: "certificate", name: "a long identifier") { count, world in
            let id = "1.2" + String(repeating: ".1", count: min(count, certificateRoom))
            return certificate(world) { $0.extensions.append((id, false, [])) }
        },
        WorstShape(parser: "certificate", name: "a long value") { count, world in
            certificate(world) {
                $0.extensions.append(("1.2", false, Array(repeating: 0, count: min(count, certificateRoom))))
            }
        },
        WorstShape(parser: "certificate", name: "a name of combining marks") { count, world in
            let marks = String(decoding: repeated("\u{301}", count / 2) + repeated("\u{323}", count / 2), as: UTF8.self)
            return certificate(world) { $0.subject = marks }
        },
        WorstShape(parser: "certificate", name: "nested") { count, _ in
            var der: [UInt8] = []
            while der.count < min(count, certificateRoom) { der = TestDER.value(0x30, der + [5, 0]) }
            return der
        },
        WorstShape(parser: "certificate", name: "many values") { count, _ in
            TestDER.value(0x30, TestDER.value(0x30, repeated("\u{5}\0", min(count, certificateRoom))))
        },
        WorstShape(parser: "revocation-list", name: "many entries") { count, world in
            var list = TestRevocationList(issuer: "issuer", key: world.platform.authorityKey)
            list.serials = Array(0..<count / 20)
            return (try? list.der()) ?? []
        },
        WorstShape(parser: "revocation-list", name: "hexadecimal") { count, world in
            var list = TestRevocationList(issuer: "issuer", key: world.platform.authorityKey)
            list.serials = Array(0..<count / 40)
            return Array(Hex.encode((try? list.der()) ?? []).utf8)
        },
    ]
}

// MARK: Evidence

extension WorstShape {
    private static let evidence = [
        WorstShape(parser: "dcap-quote", name: "zeros behind") { count, world in
            let quote = world.quotes[0].built.quote
            return quote + Array(repeating: 0, count: max(0, min(count, 65_536) - quote.count))
        },
        WorstShape(parser: "dcap-quote", name: "a chain of short lines") { count, world in
            let text = String(repeating: "-\n", count: min(count, 32_000) / 2)
            let quote = try? world.platform.quote(
                world.platform.header + world.platform.enclave, chain: "-----BEGIN CERTIFICATE-----\n" + text)
            return quote ?? []
        },
        WorstShape(parser: "dcap-quote", name: "a chain of beginnings") { count, world in
            let text = String(repeating: "-----BEGIN CERTIFICATE-----\n", count: min(count, 32_000) / 28)
            return (try? world.platform.quote(world.platform.header + world.platform.enclave, chain: text)) ?? []
        },
        WorstShape(parser: "nitro-payload", name: "many members") { count, _ in
            [0xbf] + numbered(count) { TestCBOR.head(0, UInt64($0)) + [0xf6] } + [0xff]
        },
        WorstShape(parser: "nitro-payload", name: "many items") { count, _ in
            [0xa1, 0x00, 0x9f] + Array(repeating: 0x80, count: count) + [0xff]
        },
        WorstShape(parser: "nitro-payload", name: "many items, nested") { count, _ in
            let nested: [UInt8] = [0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x80]
            return [0xa1, 0x00, 0x9f] + numbered(count) { _ in nested } + [0xff]
        },
        WorstShape(parser: "nitro-payload", name: "keys alike") { count, _ in
            let start = Array(repeating: UInt8(0x61), count: 240)
            return [0xbf]
                + numbered(count) { number in
                    let digits = Array(String(1_000_000 + number).utf8)
                    return [0x78, UInt8(start.count + digits.count)] + start + digits + [0xf6]
                } + [0xff]
        },
        WorstShape(parser: "nitro-payload", name: "a key of combining marks") { count, _ in
            TestCBOR.map([(.text(String(decoding: repeated("\u{301}\u{323}", count), as: UTF8.self)), .null)]).encoded
        },
        WorstShape(parser: "nitro-payload", name: "an array that is said to be endless") { _, _ in
            [0xa1, 0x00, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
        },
        WorstShape(parser: "nvidia-report", name: "many fields") { count, world in
            var device = world.device
            device.fields = (0..<min(count, 65_000) / 4).map { (UInt16($0), []) }
            // Without its signature, which makes even no fields genuine.
            return ((try? device.built().report) ?? []).dropLast(96) + [UInt8](repeating: 1, count: 96)
        },
        WorstShape(parser: "nvidia-evidence", name: "a chain of short lines") { count, world in
            let chain = repeated("-----BEGIN CERTIFICATE-----\n", 28) + repeated("-\n", min(count, 32_000))
            return NVIDIAEvidence(report: world.devices[0].built.report, certificateChain: chain).json.canonical
        },
        WorstShape(parser: "event-log", name: "many events") { count, _ in
            let algorithms = [TPMHash.sha1, .sha256, .sha384, .sha512].map {
                (id: $0.rawValue, bytes: UInt16($0.byteCount))
            }
            let header = TestEventLog.legacyEvent(
                0, 3, Array(repeating: 0, count: 20), TestEventLog.specification(algorithms))
            let event = TestEventLog.event(
                TestEventLog.Event(pcr: 7, type: 4, data: []), [.sha1, .sha256, .sha384, .sha512])
            return header + numbered(count) { _ in event }
        },
        WorstShape(parser: "event-log", name: "many short events") { count, _ in
            let header = TestEventLog.legacyEvent(
                0, 3, Array(repeating: 0, count: 20), TestEventLog.specification([(id: 0xffff, bytes: 0)]))
            // Register, type, one digest of no bytes, no data.
            let event: [UInt8] = [7, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]
            return header + numbered(count) { _ in event }
        },
        WorstShape(parser: "tpm-evidence", name: "empty fields") { count, _ in repeated("\u{3a}\0", count) },
        WorstShape(parser: "tpm-evidence", name: "a long event log") { count, world in
            world.machines[0].evidence + TestTPM.field(5, Array(repeating: 0, count: count))
        },
        WorstShape(parser: "hcl-evidence", name: "numbers") { count, _ in
            quoted(repeated("0,", count), "{\"report\":[", "0],\"quote\":{}}")
        },
        WorstShape(parser: "hcl-evidence", name: "many registers") { count, _ in
            quoted(
                repeated("\"\",", count),
                #"{"version":1,"hcl_report":"AA","tpm_quote":{"message":"","signature":"","pcrs":["#, "\"\"]}}")
        },
        WorstShape(parser: "hcl-report", name: "runtime data of many keys") { count, world in
            var cloud = try? HCLFixture(tpm: world.machine)
            let keys = String(repeating: "{},", count: min(count, 6_000) / 3)
            cloud?.runtimeData = "{\"keys\":[\(keys){}]}"
            return (try? cloud?.report(world.reports[0].built.report)) ?? []
        },
        WorstShape(parser: "evidence-document", name: "many tokens") { count, _ in
            quoted(
                repeated("\"\",", count), #"{"format":"cloister-evidence/1","tee":"sgx","evidence":"AA","tokens":["#,
                "\"\"]}")
        },
        WorstShape(parser: "evidence-document", name: "long evidence") { count, _ in
            quoted(repeated("AAAA", count), #"{"format":"cloister-evidence/1","tee":"snp","evidence":""#, "\"}")
        },
        WorstShape(parser: "evidence-document", name: "a TEE of combining marks") { count, _ in
            quoted(
                repeated("\u{301}", count / 2) + repeated("\u{323}", count / 2),
                #"{"format":"cloister-evidence/1","evidence":"AA","tee":"s"#, "\"}")
        },
    ]
}

// MARK: Collateral

extension WorstShape {
    private static func tcbInfo(_ world: HostileWorld, _ change: (inout [String: JSON]) -> Void) -> [UInt8] {
        var info = world.platform.tcbInfo
        change(&info)
        return JSON.object(info).canonical
    }

    private static let collateral = [
        WorstShape(parser: "tcb-info", name: "many levels") { count, world in
            tcbInfo(world) {
                let level = SGXFixture.level(Array(repeating: 255, count: 16), 1, "2024-03-13", "UpToDate")
                $0["tcbLevels"] = .array(Array(repeating: level, count: max(1, count / 300)))
            }
        },
        WorstShape(parser: "tcb-info", name: "many advisories") { count, world in
            tcbInfo(world) {
                let level = SGXFixture.level(
                    Array(repeating: 0, count: 16), 1, "2024-03-13", "OutOfDate", (0..<count / 10).map { "A-\($0)" })
                $0["tcbLevels"] = [level]
            }
        },
        WorstShape(parser: "tcb-info", name: "many modules") { count, world in
            var info = world.domain.platform.tcbInfo
            info["tcbLevels"] = [SGXFixture.level(Array(repeating: 0, count: 16), 1, "2024-03-13", "UpToDate")]
            info["tdxModuleIdentities"] = .array(
                (0..<max(1, count / 250)).map { TDXFixture.module("TDX_\($0)", [(1, "2024-03-13", "UpToDate", [])]) })
            return JSON.object(info).canonical
        },
        WorstShape(parser: "qe-identity", name: "many levels") { count, world in
            var identity = world.platform.qeIdentity
            let level = SGXFixture.enclaveLevel(9_999, "2024-03-13", "UpToDate")
            identity["tcbLevels"] = .array(Array(repeating: level, count: max(1, count / 100)))
            return JSON.object(identity).canonical
        },
        WorstShape(parser: "pck-extension", name: "many members") { count, _ in
            let entries = numbered(min(count, 16_000)) {
                TestDER.sequence(TestDER.oid("1.2.840.113741.1.13.1.\($0 + 1)"), [5, 0])
            }
            return TestDER.value(0x30, entries)
        },
        WorstShape(parser: "dcap-collateral", name: "long chains") { count, world in
            var members = world.collateral(.sgx).json.object ?? [:]
            let chain = String(decoding: repeated("A\n", count / 2), as: UTF8.self)
            members["tcb_info_issuer_chain"] = .string("-----BEGIN CERTIFICATE-----\n" + chain)
            members["pck_crl"] = .string(String(decoding: repeated("00", count / 2), as: UTF8.self))
            return JSON.object(members).canonical
        },
        WorstShape(parser: "snp-collateral", name: "long chains") { count, world in
            let genuine = world.reports[0].built.collateral
            let chain = String(decoding: repeated("text\n", count / 2), as: UTF8.self) + genuine.chain
            return SNPCollateral(vek: genuine.vek, chain: chain, crl: Array(repeating: 0x30, count: count / 2)).json
                .canonical
        },
    ]
}
