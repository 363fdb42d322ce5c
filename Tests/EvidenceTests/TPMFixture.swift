import Crypto
import CryptoExtras
import Encoding

@testable import Evidence

/// A key in a made-up TPM, with the scheme that it signs with.
enum TPMTestKey: Sendable {
    case rsassa(_RSA.Signing.PrivateKey)
    case rsapss(_RSA.Signing.PrivateKey)
    case p256(P256.Signing.PrivateKey)
    case p384(P384.Signing.PrivateKey)

    /// RSA keys are slow to make; two are enough to be mistaken for one another.
    private static let rsaKeys = Result {
        try [_RSA.Signing.PrivateKey(keySize: .bits2048), .init(keySize: .bits2048)]
    }
    static func newRSA() throws -> TPMTestKey { .rsassa(try rsaKeys.get()[0]) }
    static func otherRSA() throws -> TPMTestKey { .rsassa(try rsaKeys.get()[1]) }
    static func newPSS() throws -> TPMTestKey { .rsapss(try rsaKeys.get()[0]) }

    var certificateKey: TestKey {
        switch self {
        case .rsassa(let key), .rsapss(let key): .rsa(key)
        case .p256(let key): .p256(key)
        case .p384(let key): .p384(key)
        }
    }

    var pin: Encoding.Digest { Digest(of: certificateKey.subjectPublicKeyInfo) }
    var hash: TPMHash { if case .p384 = self { .sha384 } else { .sha256 } }

    var scheme: TPMSignature.Scheme {
        switch self {
        case .rsassa: .rsassa
        case .rsapss: .rsapss
        case .p256, .p384: .ecdsa
        }
    }

    /// The signature's numbers, without their frame.
    func numbers(over message: [UInt8]) throws -> [[UInt8]] {
        switch self {
        case .rsassa(let key):
            return [
                Array(try key.signature(for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5).rawRepresentation)
            ]
        case .rsapss(let key):
            return [Array(try key.signature(for: SHA256.hash(data: message), padding: .PSS).rawRepresentation)]
        case .p256, .p384:
            let raw = try certificateKey.signRaw(message)
            // A TPM may leave zeros in front away.
            return [raw.prefix(raw.count / 2), raw.suffix(raw.count / 2)].map { Array($0.drop { $0 == 0 }) }
        }
    }

    /// TPMT_SIGNATURE.
    func signature(over message: [UInt8]) throws -> [UInt8] {
        try TestTPM.big(scheme.rawValue, hash.rawValue) + numbers(over: message).flatMap(TestTPM.sized)
    }

    /// TPMT_PUBLIC.
    func publicArea(attributes: UInt32 = 0x0005_0072) throws -> [UInt8] {
        var area: [UInt8] = []
        area.appendBigEndian(UInt16(scheme == .ecdsa ? 0x0023 : 0x0001))
        area.appendBigEndian(TPMHash.sha256.rawValue)
        area.appendBigEndian(attributes)
        area += TestTPM.sized([]) + TestTPM.big(0x0010, scheme.rawValue, hash.rawValue)
        switch self {
        case .rsassa(let key), .rsapss(let key):
            area += TestTPM.big(2_048) + [0, 0, 0, 0]
            area += TestTPM.sized(Array(try key.publicKey.getKeyPrimitives().modulus))
        case .p256(let key):
            let point = Array(key.publicKey.rawRepresentation)
            area += TestTPM.big(3, 0x0010) + TestTPM.sized(Array(point[..<32])) + TestTPM.sized(Array(point[32...]))
        case .p384(let key):
            let point = Array(key.publicKey.rawRepresentation)
            area += TestTPM.big(4, 0x0010) + TestTPM.sized(Array(point[..<48])) + TestTPM.sized(Array(point[48...]))
        }
        return area
    }
}

/// Writes what a TPM and go-tpm-tools write; not a library.
enum TestTPM {
    static func big(_ numbers: UInt16...) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in numbers { bytes.appendBigEndian(number) }
        return bytes
    }

    /// TPM2B.
    static func sized(_ content: [UInt8]) -> [UInt8] { big(UInt16(content.count)) + content }

    static func varint(_ number: Int) -> [UInt8] {
        number < 0x80 ? [UInt8(number)] : [UInt8(number & 0x7f) | 0x80] + varint(number >> 7)
    }

    /// A protobuf field.
    static func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(content.count) + content
    }

    static func field(_ number: Int, integer: Int) -> [UInt8] { varint(number << 3) + varint(integer) }

    static func registers(_ bank: TPMHash, _ values: PCRValues) -> [UInt8] {
        let entries = values.sorted { $0.key < $1.key }.flatMap { register, value in
            field(2, field(1, integer: register.index) + field(2, value))
        }
        return field(1, integer: Int(bank.rawValue)) + entries
    }
}

/// What a TPM states about its registers; every member may be made wrong.
struct TestQuote: Sendable {
    var magic: UInt32 = 0xff54_4347
    var type: UInt16 = 0x8018
    var nonce: [UInt8] = Array("challenge".utf8)
    var bank = TPMHash.sha256
    var map: [UInt8] = [0xff, 0xff, 0xff]
    var safe: UInt8 = 1
    /// Made from the registers when nil.
    var digest: [UInt8]?

    func bytes(_ values: PCRValues, signedOver hash: TPMHash) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(magic)
        bytes.appendBigEndian(type)
        bytes += TestTPM.sized(Array(repeating: 0x51, count: 34)) + TestTPM.sized(nonce)
        bytes.appendBigEndian(UInt64(1_234_567))
        bytes.appendBigEndian(UInt32(3))
        bytes.appendBigEndian(UInt32(1))
        bytes.append(safe)
        bytes.appendBigEndian(UInt64(0x2020_0312_0012_0003))
        bytes.appendBigEndian(UInt32(1))
        bytes += TestTPM.big(bank.rawValue) + [UInt8(map.count)] + map
        let selected = (0..<8 * map.count).filter { map[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
        bytes += TestTPM.sized(digest ?? hash.digest(selected.flatMap { values[PCR(bank, $0)] ?? [] }))
        return bytes
    }
}

/// A firmware's event log in the crypto-agile form with SHA-1 and SHA-256.
struct TestEventLog: Sendable {
    struct Event: Sendable {
        var pcr: UInt32
        var type: UInt32
        var data: [UInt8]
        /// What is measured, when it is not the data.
        var measured: [UInt8]?
    }

    var locality: UInt8? = 3
    /// A separator in each register that firmware uses, and a version before it.
    var events =
        [Event(pcr: 0, type: 8, data: Array("firmware 1".utf8))]
        + (0..<8).map { Event(pcr: $0, type: 4, data: [0, 0, 0, 0]) }

    static let banks: [TPMHash] = [.sha1, .sha256]

    private static func little(_ number: some FixedWidthInteger) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(number)
        return bytes
    }

    static func legacyEvent(_ pcr: UInt32, _ type: UInt32, _ digest: [UInt8], _ data: [UInt8]) -> [UInt8] {
        little(pcr) + little(type) + digest + little(UInt32(data.count)) + data
    }

    static func specification(_ algorithms: [(id: UInt16, bytes: UInt16)]) -> [UInt8] {
        Array("Spec ID Event03\0".utf8) + little(UInt32(0)) + [0, 2, 0, 2] + little(UInt32(algorithms.count))
            + algorithms.flatMap { little($0.id) + little($0.bytes) } + [0]
    }

    static func event(_ event: Event, _ banks: [TPMHash] = banks) -> [UInt8] {
        let digests = banks.flatMap { bank in
            little(bank.rawValue)
                + (event.type == 3
                    ? Array(repeating: 0, count: bank.byteCount) : bank.digest(event.measured ?? event.data))
        }
        return little(event.pcr) + little(event.type) + little(UInt32(banks.count)) + digests
            + little(UInt32(event.data.count)) + event.data
    }

    var bytes: [UInt8] {
        var all = events
        if let locality {
            all.insert(Event(pcr: 0, type: 3, data: Array("StartupLocality\0".utf8) + [locality]), at: 0)
        }
        let algorithms = TestEventLog.banks.map { (id: $0.rawValue, bytes: UInt16($0.byteCount)) }
        let header = TestEventLog.legacyEvent(
            0, 3, Array(repeating: 0, count: 20), TestEventLog.specification(algorithms))
        return header + all.flatMap { TestEventLog.event($0) }
    }

    /// What the registers 0 to 23 of a bank hold after these events.
    func registers(_ bank: TPMHash) -> PCRValues {
        var values: PCRValues = [:]
        for index in 0..<24 {
            var value = [UInt8](repeating: 0, count: bank.byteCount)
            if index == 0, let locality { value[bank.byteCount - 1] = locality }
            for event in events where event.pcr == UInt32(index) && event.type != 3 {
                value = bank.digest(value + bank.digest(event.measured ?? event.data))
            }
            values[PCR(bank, index)] = value
        }
        return values
    }
}

/// Evidence of a made-up TPM, and a member to break each part of it.
struct TPMFixture: Sendable {
    static let time = Timestamp(seconds: 1_750_000_000)

    var key: TPMTestKey
    var attributes: UInt32 = 0x0005_0072
    var quote = TestQuote()
    var log: TestEventLog? = TestEventLog()
    /// Supplied values, when they are not those of the log.
    var supplied: PCRValues?
    var signsWith: TPMTestKey?
    var rootKey = TestKey.newP384()
    var issuerKey = TestKey.newP384()
    var root: TestCertificate
    var issuer: TestCertificate
    var leaf: TestCertificate
    var paddedLeafBytes = 0
    var hasCertificates = true
    /// Further fields of the message.
    var tail: [UInt8] = []

    init(key: TPMTestKey? = nil) throws {
        self.key = try key ?? .newRSA()
        root = .root("Test vTPM Root", rootKey)
        issuer = .issuer("Test vTPM CA", issuerKey)
        leaf = .leaf("", self.key.certificateKey)
        // A name in the subject alternative name, critical since the subject has none.
        leaf.extensions = [
            ("2.5.29.17", true, TestDER.sequence(TestDER.value(0x82, Array("vm".utf8)))),
            ("2.5.29.37", false, TestDER.sequence(TestDER.oid("2.23.133.8.3"))),
        ]
    }

    var registers: PCRValues { (log ?? TestEventLog()).registers(quote.bank) }

    func message() -> [UInt8] { quote.bytes(registers, signedOver: key.hash) }

    func evidence() throws -> [UInt8] {
        let message = message()
        let signed =
            TestTPM.field(1, message) + TestTPM.field(2, try (signsWith ?? key).signature(over: message))
            + TestTPM.field(3, TestTPM.registers(quote.bank, supplied ?? registers))
        var evidence = TestTPM.field(1, try key.publicArea(attributes: attributes)) + TestTPM.field(2, signed)
        if let log { evidence += TestTPM.field(3, log.bytes) }
        if hasCertificates {
            evidence += TestTPM.field(
                6,
                try leaf.der(issuer: issuer.subject, signedBy: issuerKey) + Array(repeating: 0, count: paddedLeafBytes))
            evidence += TestTPM.field(7, try issuer.der(issuer: root.subject, signedBy: rootKey))
            evidence += TestTPM.field(7, try root.selfSigned())
        }
        return evidence + tail
    }

    func verdict(
        at time: Timestamp = TPMFixture.time, policy: AcceptancePolicy = .default,
        nonce: [UInt8]? = Array("challenge".utf8),
        trusting role: TrustAnchors.Role = .googleVTPM
    ) throws -> Verdict {
        let root = try Certificate(der: root.selfSigned())
        return EvidenceVerifier(anchors: TrustAnchors.vendors.trusting(root, as: role, grade: .hardware)).verify(
            try evidence(), tee: .tpm, collateral: nil, at: time, policy: policy, reportData: nonce)
    }
}
