import CryptoExtras
import Encoding

@testable import Evidence

/// What the corpora begin with: evidence and collateral of the made-up hardware, and short texts written by hand.
extension HostileWorld {
    /// - Parameter parser: a name of `HostileParsers.all`.
    func seeds(_ parser: String) throws -> [(name: String, bytes: [UInt8])] {
        switch parser {
        case "base64": return texts(["AQID", "AQ==", "-_8", "+/8=", " A\nQ\r\nI D ", "AR"])
        case "time":
            return texts([
                "2025-06-19T11:56:11Z", "2025-06-19t13:56:11.25+02:00", "2024-02-29 23:59:60-23:59",
                "\0\0\0\0\0\0\0\u{1}",
            ])
        case "json":
            return texts([
                "", #"{"b":[1,-2.50,true,null,{}],"a":"é\u0041\n\ud83d\ude00","":1e21,"z":1e-7}"#,
                "[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]", "[-0,0.1E+2,9223372036854775807,9223372036854775808,\"e\u{301}\"]",
                collateral(.sgx).qeIdentity,
            ])
        case "pem":
            let chain = collateral(.sgx).pckCRLIssuerChain
            let list = PEM.encode(Hex.decode(collateral(.sgx).pckCRL) ?? [], label: "X509 CRL")
            return texts([
                chain, list, " -----BEGIN CERTIFICATE----- \r\nAQID\r\n\r\n-----END CERTIFICATE-----\0text\0",
            ])
        case "certificate": return try certificates()
        case "revocation-list": return try lists()
        case "dcap-quote": return quotes.map { ($0.name, $0.built.quote) } + namedPlatforms()
        case "dcap-collateral":
            return ["sgx-v3", "tdx-v5-extended"].flatMap { name in
                quotes.filter { $0.name == name }.map { (name, $0.built.collateral.json.canonical) }
            }
        case "tcb-info":
            return texts([collateral(.sgx).tcbInfo, collateral(.tdx).tcbInfo, JSON.object(oldTCBInfo).text])
        case "qe-identity": return texts([collateral(.sgx).qeIdentity])
        case "pck-extension":
            var flagged = platform
            flagged.configuration = [true, false, true]
            return [("processor", platform.platformExtension), ("platform", flagged.platformExtension)]
        case "snp-report": return reports.map { ($0.name, $0.built.report) } + otherReports()
        case "snp-collateral": return reports.map { ($0.name, $0.built.collateral.json.canonical) }
        case "nitro-document": return documents.map { ($0.name, $0.built.document) }
        case "nitro-payload":
            let (bundle, leaf) = try enclave.certificates()
            var indefinite = enclave
            indefinite.encodesMembers = TestCBOR.indefiniteMap
            return [("definite", enclave.payload(bundle, leaf)), ("indefinite", indefinite.payload(bundle, leaf))]
        case "nvidia-evidence":
            var hex = devices[0].built.evidenceMembers
            hex["evidence"] = .string(Hex.encode(devices[0].built.report))
            hex["nonce"] = .string(Hex.encode(Array(repeating: 0xda, count: 32)))
            hex["arch"] = "HOPPER"
            return devices.map { ($0.name, $0.built.evidence) } + [("hex", JSON.array([.object(hex)]).canonical)]
        case "nvidia-report": return devices.map { ($0.name, $0.built.report) }
        case "tpm-evidence": return machines.map { ($0.name, $0.evidence) }
        case "tpm-quote":
            var other = machine.quote
            other.map = [1, 0, 0x80]
            let quote = clouds[0].built.evidence.quote
            return [
                ("all", machine.message()), ("some", other.bytes(machine.registers, signedOver: .sha256)),
                ("bincode", bincode(quote)),
            ]
        case "tpm-key":
            let rsa = try TPMTestKey.fixedRSA()
            return [
                ("p256", try machine.key.publicArea()), ("rsa", try rsa.publicArea()),
                ("signature-p256", try machine.key.signature(over: [1])),
                ("signature-rsa", try rsa.signature(over: [1])),
            ]
        case "event-log":
            var log = TestEventLog()
            log.locality = nil
            let legacy = TestEventLog.legacyEvent(4, 13, Array(repeating: 1, count: 20), Array("loader".utf8))
            return [("agile", TestEventLog().bytes), ("plain", log.bytes), ("legacy", legacy + legacy)]
        case "hcl-evidence": return clouds.map { ($0.name, $0.built.evidence.json.canonical) } + [numbered()]
        case "hcl-report": return clouds.map { ($0.name, $0.built.evidence.report) }
        case "evidence-document": return evidenceDocuments()
        default: return []
        }
    }

    private func texts(_ texts: [String]) -> [(name: String, bytes: [UInt8])] {
        texts.enumerated().map { ("text-\($0 + 1)", Array($1.utf8)) }
    }

    private func certificates() throws -> [(name: String, bytes: [UInt8])] {
        var found: [(name: String, bytes: [UInt8])] = []
        func add(_ name: String, _ pem: String) {
            for (index, der) in (PEM.decode(pem, label: "CERTIFICATE") ?? []).enumerated() {
                found.append(("\(name)-\(index + 1)", der))
            }
        }
        add("dcap", collateral(.sgx).pckCRLIssuerChain)
        for report in reports { add(report.name, report.built.collateral.vek) }
        add("ark", reports[0].built.collateral.chain)
        let (bundle, leaf) = try enclave.certificates()
        found += [("nitro-region", bundle[1]), ("nitro-enclave", leaf)]
        for device in devices {
            let chain = PEM.decode(String(decoding: device.built.chain, as: UTF8.self), label: "CERTIFICATE") ?? []
            found += chain.prefix(1).map { (device.name, $0) }
        }
        // AMD's algorithm; the key is made anew, and nobody keeps it.
        let rsa = TestKey.rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048))
        return found + [("rsa-pss", try TestCertificate.root("RSA", rsa).selfSigned())]
    }

    private func lists() throws -> [(name: String, bytes: [UInt8])] {
        var list = TestRevocationList(issuer: platform.rootName, key: platform.rootKey)
        let empty = try list.der()
        list.serials = [1, 127, 128, 65_536]
        let some = try list.der()
        list.criticalExtension = "2.5.29.27"
        return [
            ("empty", empty), ("some", some), ("delta", try list.der()), ("hex", Array(Hex.encode(some).utf8)),
            ("pem", Array(PEM.encode(some, label: "X509 CRL").utf8)),
        ]
    }

    /// Quotes that name their platform instead of carrying its certificates.
    private func namedPlatforms() -> [(name: String, bytes: [UInt8])] {
        let quote = quotes[0].built.quote
        // Version 3: header and body, length, two signatures with key and report, 32 bytes of authentication data.
        let before = 432 + 4 + 64 + 64 + 384 + 64 + 2 + 32
        return [(1, 16 + 18), (2, 256 + 20), (3, 384 + 20), (4, 40)].map { type, count in
            var bytes = Array(quote.prefix(432))
            bytes.appendLittleEndian(UInt32(before - 436 + 6 + count))
            bytes += quote[436..<before]
            bytes.appendLittleEndian(UInt16(type))
            bytes.appendLittleEndian(UInt32(count))
            return ("named-\(type)", bytes + [UInt8](repeating: 7, count: count))
        }
    }

    /// TCB info of version 2, with one member for each component.
    private var oldTCBInfo: [String: JSON] {
        var tcb: [String: JSON] = ["pcesvn": 11]
        for number in 1...16 { tcb["sgxtcbcomp\(number < 10 ? "0" : "")\(number)svn"] = 0 }
        var info = platform.tcbInfo
        info["version"] = 2
        info["id"] = nil
        info["tcbLevels"] = [["tcb": .object(tcb), "tcbDate": "2024-03-13T00:00:00Z", "tcbStatus": "UpToDate"]]
        return info
    }

    private func otherReports() -> [(name: String, bytes: [UInt8])] {
        var old = reports[0].built.report
        old[SNPReport.Layout.version] = 2
        for offset in 0..<3 { old[SNPReport.Layout.cpuid + offset] = 0 }
        var new = reports[1].built.report
        new[SNPReport.Layout.version] = 5
        new[SNPReport.Layout.currentMitigations] = 0x3f
        return [("version-2", old), ("version-5", new)]
    }

    /// The first cloud's evidence as a guest library writes it: numbers, and no event log.
    func numbered() -> (name: String, bytes: [UInt8]) {
        let evidence = clouds[0].built.evidence
        func numbers(_ bytes: [UInt8]) -> JSON { .array(bytes.map { .integer(Int64($0)) }) }
        let json: JSON = [
            "report": numbers(evidence.report),
            "quote": [
                "message": numbers(evidence.quote.message), "signature": numbers(evidence.quote.signature),
                "pcrs": .array(evidence.quote.pcrs.map(numbers)),
            ],
        ]
        return ("azure-snp-numbers", json.canonical)
    }

    private func bincode(_ quote: HCLQuote) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in [quote.signature, quote.message] {
            bytes.appendLittleEndian(UInt64(part.count))
            bytes += part
        }
        bytes.appendLittleEndian(UInt64(quote.pcrs.count))
        return bytes + quote.pcrs.flatMap { $0 }
    }

    private func evidenceDocuments() -> [(name: String, bytes: [UInt8])] {
        let quote = quotes[0].built
        let documents: [(String, EvidenceDocument)] = [
            ("sgx", EvidenceDocument(tee: .sgx, evidence: quote.quote, collateral: .dcap(quote.collateral))),
            (
                "snp",
                EvidenceDocument(
                    tee: .snp, evidence: reports[0].built.report, runtimeData: [1, 2, 3],
                    collateral: .snp(reports[0].built.collateral), tokens: ["a.b.c"], manifest: "d.e.f")
            ),
            ("nitro", EvidenceDocument(tee: .nitro, evidence: documents[0].built.document)),
            ("nvidia", EvidenceDocument(tee: .nvidia, evidence: devices[0].built.evidence)),
            ("tpm", EvidenceDocument(tee: .tpm, evidence: machines[0].evidence)),
            (
                "hcl",
                EvidenceDocument(
                    tee: .hcl, evidence: clouds[0].built.evidence.json.canonical,
                    collateral: .snp(reports[0].built.collateral))
            ),
        ]
        return documents.map { ($0, $1.json.canonical) }
    }
}

extension NVIDIAFixture.Built {
    fileprivate var evidenceMembers: [String: JSON] {
        NVIDIAEvidence(report: report, certificateChain: chain).json.object ?? [:]
    }
}
