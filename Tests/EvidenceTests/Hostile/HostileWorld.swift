import Encoding

@testable import Evidence

/// Made-up hardware of every kind, a verifier that trusts its roots, and what that verifier may accept.
///
/// The keys are the same each time, so that evidence that was made in another process is still good. Fuzzers and tests
/// give bytes to a parser in this world; whatever comes of them, the verifier accepts nothing that the hardware did
/// not sign.
struct HostileWorld: Sendable {
    /// When everything that the fixtures make is valid.
    static let time = NitroFixture.time

    /// Hardware of each kind, with the keys to sign for it.
    let platform: SGXFixture
    let domain: TDXFixture
    let enclave: NitroFixture
    let device: NVIDIAFixture
    let machine: TPMFixture
    /// Genuine evidence by name.
    let quotes: [(name: String, built: SGXFixture.Built)]
    let reports: [(name: String, built: SNPFixture.Built)]
    let documents: [(name: String, built: NitroFixture.Built)]
    let devices: [(name: String, built: NVIDIAFixture.Built)]
    let machines: [(name: String, evidence: [UInt8])]
    let clouds: [(name: String, built: HCLFixture.Built)]

    let verifier: EvidenceVerifier
    /// What the hardware signed, see `identity`.
    private var genuine: Set<Digest> = []
    /// Slow steps (P-384) are taken for one input of so many, chosen by its bytes.
    private let sampling: UInt64

    init(sampling: UInt64) throws {
        self.sampling = sampling
        platform = SGXFixture(keys: .fixed)
        domain = TDXFixture(version: 5, isExtended: true, keys: .fixed)
        enclave = NitroFixture(keys: .fixed)
        device = NVIDIAFixture(keys: .fixed)
        guard case .p256(let key) = TestKeys.fixed.p256("TPM") else { throw TestKeys.Unavailable() }
        machine = try TPMFixture(key: .p256(key), keys: .fixed)
        quotes = try HostileWorld.quotes(platform, domain)
        reports = try HostileWorld.reports()
        documents = try HostileWorld.documents(enclave)
        devices = try HostileWorld.devices(device)
        machines = [("google", try machine.evidence())]
        clouds = try HostileWorld.clouds()

        var anchors = TrustAnchors().trusting(quotes[0].built.root, as: .dcap, grade: .hardware)
        for report in reports {
            anchors = anchors.trusting(report.built.root, as: .ark(report.built.product), grade: .hardware)
        }
        anchors = anchors.trusting(documents[0].built.root, as: .nitro, grade: .hardware)
        anchors = anchors.trusting(devices[0].built.root, as: .nvidia, grade: .hardware)
        let vTPM = try Certificate(der: machine.root.selfSigned())
        anchors = anchors.trusting(vTPM, as: .googleVTPM, grade: .hardware)
        anchors = anchors.trusting(vTPM, as: .azureVTPM, grade: .hardware)
        // Small caches, so that the memory of a fuzzer says something about the parser.
        verifier = EvidenceVerifier(anchors: anchors, cacheCapacity: 16)

        for verdict in verdicts() {
            if verdict.accepted, let attested = verdict.attested { genuine.insert(HostileWorld.identity(attested)) }
        }
    }
}

// MARK: Judging

extension HostileWorld {
    func verify(
        _ evidence: [UInt8], _ tee: TEE, _ collateral: EvidenceCollateral? = nil, reportData: [UInt8]? = nil
    ) -> Verdict {
        verifier.verify(evidence, tee: tee, collateral: collateral, at: HostileWorld.time, reportData: reportData)
    }

    /// What is wrong when evidence is accepted that nobody signed; nil when nothing is.
    func forgery(_ verdict: Verdict) -> String? {
        guard verdict.accepted else { return nil }
        guard let attested = verdict.attested else { return "a verdict without evidence is accepted" }
        return genuine.contains(HostileWorld.identity(attested)) ? nil : "evidence that nobody signed is accepted"
    }

    /// What is wrong with a refusal to read; nil when nothing is.
    func wrongRefusal(_ refusal: Refusal, _ code: RefusalCode) -> String? {
        if refusal.code != code { return "refused as \(refusal.code), not as \(code)" }
        return refusal.detail.utf8.count <= 512 ? nil : "a refusal's text is as long as its sender wants"
    }

    /// Verdicts on all genuine evidence; tests expect that each is accepted.
    func verdicts() -> [Verdict] {
        quotes.map { verify($0.built.quote, $0.built.tee, .dcap($0.built.collateral)) }
            + reports.map { verify($0.built.report, .snp, .snp($0.built.collateral)) }
            + documents.map { verify($0.built.document, .nitro) } + devices.map { verify($0.built.evidence, .nvidia) }
            + machines.map { verify($0.evidence, .tpm) }
            + clouds.map { verify($0.built.evidence.json.canonical, .hcl, $0.built.collateral) }
            + [verify(numbered().bytes, .hcl, clouds[0].built.collateral)]
    }

    /// Whether the slow steps are taken for this input.
    func isSampled(_ input: [UInt8]) -> Bool {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in input { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return (hash >> 32) % sampling == 0
    }

    func collateral(_ tee: TEE) -> DCAPCollateral {
        (quotes.first { $0.built.tee == tee } ?? quotes[0]).built.collateral
    }

    func collateral(_ report: SNPReport) -> SNPCollateral {
        let found = reports.first {
            let genuine = try? SNPReport($0.built.report[...])
            return genuine?.signingKey == report.signingKey && genuine?.product == report.product
        }
        return (found ?? reports[0]).built.collateral
    }

    /// What the signature over evidence covers, by digest: evidence with the same identity says the same.
    private static func identity(_ attested: AttestedEvidence) -> Digest {
        switch attested {
        case .sgx(let quote):
            return Digest(of: quote.envelope.bytes.prefix(signedBytes(quote.envelope)))
        case .tdx(let quote):
            return Digest(of: quote.envelope.bytes.prefix(signedBytes(quote.envelope)))
        case .snp(let report): return Digest(of: report.bytes.prefix(SNPReport.Layout.signature))
        case .nitro(let document):
            var parts = [document.moduleID, "\(document.milliseconds)"]
            parts += document.pcrs.sorted { $0.key < $1.key }.map { "\($0.key) \(Hex.encode($0.value))" }
            for part in [document.publicKey, document.userData, document.nonce] {
                parts.append(part.map { Hex.encode($0) } ?? "none")
            }
            return Digest(of: parts.joined(separator: "\n"))
        case .nvidia(let report): return Digest(of: report.bytes.dropLast(96))
        case .tpm(let state): return Digest(of: content(state))
        case .hcl(let report, let state):
            switch report.hardware {
            case .snp(let snp):
                return Digest(of: Array(snp.bytes.prefix(SNPReport.Layout.signature)) + content(state))
            case .tdx(let td): return Digest(of: Array(td.reportData) + Array(td.mrTD) + content(state))
            }
        }
    }

    /// Quotes, registers and confirmed events.
    private static func content(_ state: TPMState) -> [UInt8] {
        var content = state.quotes.flatMap { Array($0.bytes) }
        for (register, value) in state.pcrs.sorted(by: { $0.key < $1.key }) {
            content += [UInt8(truncatingIfNeeded: register.index)] + value
        }
        for event in state.events {
            for digest in event.digests.sorted(by: { $0.key.rawValue < $1.key.rawValue }) { content += digest.value }
        }
        return content
    }

    /// Bytes of a quote that its signature covers.
    static func signedBytes(_ quote: DCAPQuote) -> Int {
        switch quote.body {
        case .sgx(let report): DCAPQuote.Layout.body(version: quote.version) + report.bytes.count
        case .td(let report): DCAPQuote.Layout.body(version: quote.version) + report.bytes.count
        }
    }
}

// MARK: Genuine evidence

extension HostileWorld {
    private static func quotes(
        _ platform: SGXFixture, _ domain: TDXFixture
    ) throws -> [(name: String, built: SGXFixture.Built)] {
        var nested = platform
        nested.header[0] = 4
        var keyed = platform
        keyed.enclave[48] |= 0x80
        keyed.trailing = Array(repeating: 0, count: 70)
        keyed.configuration = [true, false, true]
        var old = TDXFixture(version: 4, keys: .fixed)
        old.setSVN([5, 0, 7])
        let plain = TDXFixture(version: 5, keys: .fixed)
        return [
            ("sgx-v3", try platform.built()), ("sgx-v4", try nested.built()), ("sgx-v3-padded", try keyed.built()),
            ("tdx-v5-extended", try domain.built()), ("tdx-v5", try plain.built()), ("tdx-v4", try old.built()),
        ]
    }

    private static func reports() throws -> [(name: String, built: SNPFixture.Built)] {
        var listed = SNPFixture(keys: .fixed)
        listed.list = TestRevocationList(issuer: "ARK-Test", key: listed.rootKey, serials: [77])
        let turin = SNPFixture(product: .turin, keys: .fixed)
        let vlek = SNPFixture(product: .milan, kind: .vlek, keys: .fixed)
        return [("genoa", try listed.built()), ("turin", try turin.built()), ("milan-vlek", try vlek.built())]
    }

    private static func documents(_ enclave: NitroFixture) throws -> [(name: String, built: NitroFixture.Built)] {
        var indefinite = enclave
        indefinite.encodesMembers = TestCBOR.indefiniteMap
        indefinite.publicKey = .bytes([4, 5, 6])
        indefinite.nonce = .null
        indefinite.encodesMessage = { .tag(18, .array($0)) }
        indefinite.changeMembers = { $0.append((.text("later"), .array([.map([(.negative(0), .null)])]))) }
        return [("document", try enclave.built()), ("indefinite", try indefinite.built())]
    }

    private static func clouds() throws -> [(name: String, built: HCLFixture.Built)] {
        var snp = try HCLFixture(tpm: TPMFixture(key: .fixedRSA(), keys: .fixed))
        snp.snp = SNPFixture(keys: .fixed)
        snp.hasCertificates = true
        var tdx = snp
        tdx.tdx = TDXFixture(version: 4, keys: .fixed)
        tdx.hasCertificates = false
        return [("azure-snp", try snp.built()), ("azure-tdx", try tdx.built())]
    }

    private static func devices(_ device: NVIDIAFixture) throws -> [(name: String, built: NVIDIAFixture.Built)] {
        var newer = device
        newer.writesTCBInfo = true
        newer.opaqueHead = Array("NVDAOD".utf8) + [0, 0, 2, 0, 0, 0]
        return [("hopper", try device.built()), ("blackwell", try newer.built())]
    }
}
