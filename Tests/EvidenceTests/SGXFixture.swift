import Crypto
import Encoding
import Evidence

/// A made-up SGX platform with everything that evidence of it needs, and a member to break each part of it.
struct SGXFixture: Sendable {
    static let time = Timestamp(seconds: 1_750_000_000)

    let rootKey = TestKey.newP256()
    let authorityKey = TestKey.newP256()
    let pckKey = TestKey.newP256()
    let signerKey = TestKey.newP256()
    let attestationKey = TestKey.newP256()

    var rootName = "Test SGX Root CA"
    var root: TestCertificate
    var authority: TestCertificate
    var pck: TestCertificate
    var signer: TestCertificate
    var rootList: TestRevocationList
    var pckList: TestRevocationList

    var components: [UInt8] = [5, 5, 2, 2, 3, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]
    var pceSVN = 11
    var fmspc: [UInt8] = [0, 0x60, 0x6a, 0, 0, 0]
    var pceID: [UInt8] = [0, 0]
    /// Dynamic platform, cached keys, SMT; nil as the Processor CA leaves it away.
    var configuration: [Bool]?

    /// Members of the TCB info by name; set one to nil to leave it away.
    var tcbInfo: [String: JSON]
    var qeIdentity: [String: JSON]
    var header = [UInt8](repeating: 0, count: 48)
    var enclave = [UInt8](repeating: 0, count: 384)
    var quotingEnclave = [UInt8](repeating: 0, count: 384)
    var authenticationData = [UInt8](0..<32)
    /// What the QE report's second half of report data holds.
    var bindingTail = [UInt8](repeating: 0, count: 32)
    var signsCollateralWith: TestKey?
    var signsQuotingEnclaveWith: TestKey?
    var signsQuoteWith: TestKey?
    /// Certificates in the quote, when not leaf, CA, root.
    var embedsChain: (@Sendable (_ pck: [UInt8], _ authority: [UInt8], _ root: [UInt8]) -> String)?
    var trailing: [UInt8] = []
    /// Type of the outer certification data from version 4 on.
    var nestedType = QuoteSignatureData.quotingEnclaveReportType

    init(rootName: String = "Test SGX Root CA") {
        self.rootName = rootName
        root = .root(rootName, rootKey)
        authority = .issuer("Intel SGX PCK Processor CA", authorityKey)
        pck = .leaf("Intel SGX PCK Certificate", pckKey)
        signer = .leaf("Intel SGX TCB Signing", signerKey, serial: 4)
        rootList = TestRevocationList(issuer: rootName, key: rootKey)
        pckList = TestRevocationList(issuer: "Intel SGX PCK Processor CA", key: authorityKey)
        let dates: [String: JSON] = ["issueDate": "2025-06-01T00:00:00Z", "nextUpdate": "2025-07-01T00:00:00Z"]
        tcbInfo = dates.merging([
            "id": "SGX", "version": 3, "fmspc": "00606A000000", "pceId": "0000", "tcbType": 0,
            "tcbEvaluationDataNumber": 17,
            "tcbLevels": [
                SGXFixture.level([5, 5, 2, 2, 3, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0], 11, "2024-03-13", "UpToDate"),
                SGXFixture.level(
                    [2, 2, 2, 2, 3, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0], 9, "2022-03-13", "OutOfDate", ["INTEL-SA-00001"]),
                SGXFixture.level(
                    [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1, "2020-03-13", "Revoked", ["INTEL-SA-00002"]),
            ],
        ]) { $1 }
        qeIdentity = dates.merging([
            "id": "QE", "version": 2, "tcbEvaluationDataNumber": 17, "miscselect": "00000000",
            "miscselectMask": "FFFFFFFF", "attributes": "11000000000000000000000000000000",
            "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
            "mrsigner": .string(Hex.encode(Array(repeating: 0x8c, count: 32))), "isvprodid": 1,
            "tcbLevels": [
                SGXFixture.enclaveLevel(8, "2024-03-13", "UpToDate"),
                SGXFixture.enclaveLevel(6, "2021-03-13", "OutOfDate", ["INTEL-SA-00003"]),
                SGXFixture.enclaveLevel(2, "2019-03-13", "Revoked"),
            ],
        ]) { $1 }
        header[0] = 3
        header[2] = 2
        header.replaceSubrange(12..<28, with: SGXQuote.Layout.intelVendor)
        quotingEnclave[48] = 0x11
        quotingEnclave.replaceSubrange(128..<160, with: Array(repeating: 0x8c, count: 32))
        quotingEnclave[256] = 1
        quotingEnclave[258] = 8
        enclave[48] = 0x05
        enclave.replaceSubrange(64..<96, with: Array(repeating: 0xe1, count: 32))
        enclave.replaceSubrange(128..<160, with: Array(repeating: 0x51, count: 32))
        enclave.replaceSubrange(320..<352, with: Array(repeating: 0xda, count: 32))
    }

    static func level(
        _ components: [Int], _ pceSVN: Int64, _ date: String, _ status: String, _ advisories: [String] = []
    ) -> JSON {
        [
            "tcb": [
                "sgxtcbcomponents": .array(components.map { ["svn": .integer(Int64($0))] }), "pcesvn": .integer(pceSVN),
            ],
            "tcbDate": .string(date + "T00:00:00Z"), "tcbStatus": .string(status),
            "advisoryIDs": .array(advisories.map(JSON.string)),
        ]
    }

    static func enclaveLevel(_ svn: Int64, _ date: String, _ status: String, _ advisories: [String] = []) -> JSON {
        [
            "tcb": ["isvsvn": .integer(svn)], "tcbDate": .string(date + "T00:00:00Z"), "tcbStatus": .string(status),
            "advisoryIDs": .array(advisories.map(JSON.string)),
        ]
    }
}

// MARK: Building

extension SGXFixture {
    struct Built: Sendable {
        var tee = TEE.sgx
        var quote: [UInt8]
        var collateral: DCAPCollateral
        var root: Certificate

        var anchors: TrustAnchors { TrustAnchors.vendors.trusting(root, as: .dcap, grade: .hardware) }

        func verdict(
            at time: Timestamp = SGXFixture.time, policy: AcceptancePolicy = .default, reportData: [UInt8]? = nil
        ) -> Verdict {
            EvidenceVerifier(anchors: anchors).verify(
                quote, tee: tee, collateral: .dcap(collateral), at: time, policy: policy, reportData: reportData)
        }
    }

    func built() throws -> Built {
        try built(.sgx, signed: header + enclave)
    }

    /// - Parameter signed: header and body.
    func built(_ tee: TEE, signed: [UInt8]) throws -> Built {
        let rootDER = try root.selfSigned()
        let authorityDER = try authority.der(issuer: rootName, signedBy: rootKey)
        var pck = pck
        pck.extensions.append(("1.2.840.113741.1.13.1", false, platformExtension))
        let pckDER = try pck.der(issuer: authority.subject, signedBy: authorityKey)
        let signerDER = try signer.der(issuer: rootName, signedBy: rootKey)
        let signing = signsCollateralWith ?? signerKey
        let info = JSON.object(tcbInfo).text
        let identity = JSON.object(qeIdentity).text
        let signerChain = TestPEM.chain(signerDER, rootDER)
        let collateral = DCAPCollateral(
            pckCRLIssuerChain: TestPEM.chain(authorityDER, rootDER), rootCACRL: Hex.encode(try rootList.der()),
            pckCRL: Hex.encode(try pckList.der()), tcbInfoIssuerChain: signerChain, tcbInfo: info,
            tcbInfoSignature: Hex.encode(try signing.signRaw(Array(info.utf8))), qeIdentityIssuerChain: signerChain,
            qeIdentity: identity, qeIdentitySignature: Hex.encode(try signing.signRaw(Array(identity.utf8))))
        let chain = embedsChain?(pckDER, authorityDER, rootDER) ?? TestPEM.chain(pckDER, authorityDER, rootDER)
        return Built(
            tee: tee, quote: try quote(signed, chain: chain), collateral: collateral,
            root: try Certificate(der: rootDER))
    }

    /// Versions from 4 on nest all but signature and attestation key in certification data of type 6.
    func quote(_ signed: [UInt8], chain: String) throws -> [UInt8] {
        var enclaveReport = quotingEnclave
        enclaveReport.replaceSubrange(
            320..<352, with: Array(SHA256.hash(data: attestationKey.rawPublicKey + authenticationData)))
        enclaveReport.replaceSubrange(352..<384, with: bindingTail)
        var certification = try enclaveReport + (signsQuotingEnclaveWith ?? pckKey).signRaw(enclaveReport)
        certification.appendLittleEndian(UInt16(authenticationData.count))
        certification += authenticationData
        certification.appendLittleEndian(UInt16(5))
        certification.appendLittleEndian(UInt32(chain.utf8.count))
        certification += Array(chain.utf8)
        var data = try (signsQuoteWith ?? attestationKey).signRaw(signed) + attestationKey.rawPublicKey
        if signed[0] > 3 {
            data.appendLittleEndian(nestedType)
            data.appendLittleEndian(UInt32(certification.count))
        }
        data += certification
        var quote = signed
        quote.appendLittleEndian(UInt32(data.count))
        return quote + data + trailing
    }

    private var platformExtension: [UInt8] {
        let id = "1.2.840.113741.1.13.1"
        func entry(_ number: String, _ value: [UInt8]) -> [UInt8] {
            TestDER.sequence(TestDER.oid(id + number), value)
        }
        var tcb: [UInt8] = []
        for (index, component) in components.enumerated() {
            tcb += entry(".2.\(index + 1)", TestDER.integer(Int(component)))
        }
        tcb += entry(".2.17", TestDER.integer(pceSVN)) + entry(".2.18", TestDER.octets(components))
        var members = entry(".1", TestDER.octets(Array(repeating: 7, count: 16)))
        members += entry(".2", TestDER.value(0x30, tcb)) + entry(".3", TestDER.octets(pceID))
        members += entry(".4", TestDER.octets(fmspc)) + entry(".5", TestDER.value(0x0a, [0]))
        if let configuration {
            let flags = configuration.enumerated().flatMap { entry(".7.\($0 + 1)", TestDER.boolean($1)) }
            members += entry(".7", TestDER.value(0x30, flags))
        }
        return TestDER.value(0x30, members)
    }
}

extension Verdict {
    /// The check with this name.
    func check(_ name: String) -> Check? { checks.first { $0.name == name } }
    /// Codes of all failed checks.
    var failures: [String] { checks.compactMap { $0.outcome == .failed ? $0.code?.name : nil } }
}
