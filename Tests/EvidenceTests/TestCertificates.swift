import Crypto
import CryptoExtras
import Encoding
import Evidence

/// A key that signs test certificates, lists, quotes or reports.
enum TestKey: Sendable {
    case p256(P256.Signing.PrivateKey)
    case p384(P384.Signing.PrivateKey)
    case rsa(_RSA.Signing.PrivateKey)

    static func newP256() -> TestKey { .p256(P256.Signing.PrivateKey()) }
    static func newP384() -> TestKey { .p384(P384.Signing.PrivateKey()) }

    var subjectPublicKeyInfo: [UInt8] {
        switch self {
        case .p256(let key): Array(key.publicKey.derRepresentation)
        case .p384(let key): Array(key.publicKey.derRepresentation)
        case .rsa(let key): Array(key.publicKey.derRepresentation)
        }
    }

    var algorithm: [UInt8] {
        switch self {
        case .p256: TestDER.sequence(TestDER.oid("1.2.840.10045.4.3.2"))
        case .p384: TestDER.sequence(TestDER.oid("1.2.840.10045.4.3.3"))
        case .rsa: TestKey.pss
        }
    }

    private static var pss: [UInt8] {
        let hash = TestDER.sequence(TestDER.oid("2.16.840.1.101.3.4.2.2"), [5, 0])
        return TestDER.sequence(
            TestDER.oid("1.2.840.113549.1.1.10"),
            TestDER.sequence(
                TestDER.explicit(0, hash),
                TestDER.explicit(1, TestDER.sequence(TestDER.oid("1.2.840.113549.1.1.8"), hash)),
                TestDER.explicit(2, TestDER.integer(48))))
    }

    /// The signature as X.509 carries it.
    func sign(_ message: [UInt8]) throws -> [UInt8] {
        switch self {
        case .p256(let key): Array(try key.signature(for: SHA256.hash(data: message)).derRepresentation)
        case .p384(let key): Array(try key.signature(for: SHA384.hash(data: message)).derRepresentation)
        case .rsa(let key): Array(try key.signature(for: SHA384.hash(data: message), padding: .PSS).rawRepresentation)
        }
    }

    /// r and s, as quotes and collateral carry them.
    func signRaw(_ message: [UInt8]) throws -> [UInt8] {
        switch self {
        case .p256(let key): Array(try key.signature(for: SHA256.hash(data: message)).rawRepresentation)
        case .p384(let key): Array(try key.signature(for: SHA384.hash(data: message)).rawRepresentation)
        case .rsa: []
        }
    }

    /// x and y of a P-256 key.
    var rawPublicKey: [UInt8] {
        if case .p256(let key) = self { Array(key.publicKey.rawRepresentation) } else { [] }
    }
}

/// Where a fixture's keys come from.
enum TestKeys: Sendable {
    /// Others each time.
    case new
    /// The same each time, by name: what they signed is still good in another process.
    case fixed

    struct Unavailable: Error {}

    func p256(_ name: String) -> TestKey {
        guard case .fixed = self,
            let key = try? P256.Signing.PrivateKey(rawRepresentation: SHA256.hash(data: Array(name.utf8)))
        else { return .newP256() }
        return .p256(key)
    }

    func p384(_ name: String) -> TestKey {
        guard case .fixed = self,
            let key = try? P384.Signing.PrivateKey(rawRepresentation: SHA384.hash(data: Array(name.utf8)))
        else { return .newP384() }
        return .p384(key)
    }
}

/// What a test certificate says; every member may be made wrong.
struct TestCertificate: Sendable {
    var subject: String
    var key: TestKey
    var serial = 1
    /// Instead of `serial`, where that is too small.
    var longSerial: [UInt8]?
    var notBefore = Timestamp(seconds: 1_700_000_000)
    var notAfter = Timestamp(seconds: 2_000_000_000)
    var isAuthority: Bool?
    var pathLength: Int?
    /// First byte of the bit string; nil leaves the extension away.
    var keyUsage: UInt8?
    var extensions: [(id: String, critical: Bool, value: [UInt8])] = []
    var version = 2

    static let certSign: UInt8 = 0x04
    static let certAndCRLSign: UInt8 = 0x06
    static let digitalSignature: UInt8 = 0x80

    static func root(_ subject: String, _ key: TestKey) -> TestCertificate {
        TestCertificate(subject: subject, key: key, isAuthority: true, keyUsage: certAndCRLSign)
    }

    static func issuer(_ subject: String, _ key: TestKey, serial: Int = 2) -> TestCertificate {
        TestCertificate(
            subject: subject, key: key, serial: serial, isAuthority: true, pathLength: 0, keyUsage: certAndCRLSign)
    }

    static func leaf(_ subject: String, _ key: TestKey, serial: Int = 3) -> TestCertificate {
        TestCertificate(subject: subject, key: key, serial: serial, isAuthority: false, keyUsage: digitalSignature)
    }

    func der(issuer: String, signedBy issuerKey: TestKey) throws -> [UInt8] {
        let tbs = tbs(issuer: issuer, algorithm: issuerKey.algorithm)
        return TestDER.sequence(tbs, issuerKey.algorithm, TestDER.bits(try issuerKey.sign(tbs)))
    }

    /// With a signature that is none.
    func unsigned(issuer: String) -> [UInt8] {
        TestDER.sequence(tbs(issuer: issuer, algorithm: key.algorithm), key.algorithm, TestDER.bits([1]))
    }

    private func tbs(issuer: String, algorithm: [UInt8]) -> [UInt8] {
        var all = extensions
        if let isAuthority {
            var content = isAuthority ? TestDER.boolean(true) : []
            if let pathLength { content += TestDER.integer(pathLength) }
            all.append(("2.5.29.19", true, TestDER.value(0x30, content)))
        }
        if let keyUsage {
            all.append(("2.5.29.15", true, TestDER.bits([keyUsage], unused: UInt8(keyUsage.trailingZeroBitCount))))
        }
        let list = all.flatMap { entry in
            TestDER.sequence(
                TestDER.oid(entry.id), entry.critical ? TestDER.boolean(true) : [], TestDER.octets(entry.value))
        }
        return TestDER.sequence(
            TestDER.explicit(0, TestDER.integer(version)),
            longSerial.map { TestDER.integer($0) } ?? TestDER.integer(serial), algorithm,
            TestDER.name(issuer), TestDER.sequence(TestDER.time(notBefore), TestDER.time(notAfter)),
            TestDER.name(subject), key.subjectPublicKeyInfo, TestDER.explicit(3, TestDER.value(0x30, list)))
    }

    func selfSigned() throws -> [UInt8] { try der(issuer: subject, signedBy: key) }
}

enum TestPEM {
    static func chain(_ certificates: [UInt8]...) -> String {
        certificates.map { PEM.encode($0, label: "CERTIFICATE") }.joined()
    }
}

/// What a test revocation list says.
struct TestRevocationList: Sendable {
    var issuer: String
    var key: TestKey
    var thisUpdate = Timestamp(seconds: 1_749_000_000)
    var nextUpdate = Timestamp(seconds: 1_760_000_000)
    var serials: [Int] = []
    var criticalExtension: String?

    func der() throws -> [UInt8] {
        let entries = serials.flatMap { TestDER.sequence(TestDER.integer($0), TestDER.time(thisUpdate)) }
        var tail: [UInt8] = serials.isEmpty ? [] : TestDER.value(0x30, entries)
        if let criticalExtension {
            tail += TestDER.explicit(
                0,
                TestDER.sequence(
                    TestDER.sequence(
                        TestDER.oid(criticalExtension), TestDER.boolean(true), TestDER.octets(TestDER.integer(1)))))
        }
        let tbs = TestDER.sequence(
            TestDER.integer(1), key.algorithm, TestDER.name(issuer), TestDER.time(thisUpdate), TestDER.time(nextUpdate),
            tail)
        return TestDER.sequence(tbs, key.algorithm, TestDER.bits(try key.sign(tbs)))
    }
}
