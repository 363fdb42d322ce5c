public import Encoding

/// An X.509 certificate as evidence, tokens and key-release answers carry it: parsed strictly, compared by its bytes.
///
/// A parser of our own, because AMD's chains are RSASSA-PSS, which swift-certificates does not read, and because what
/// is read for each piece of evidence has to be read fast.
/// Reading a certificate says nothing about trust; `CertificatePath` validates a chain.
///
/// - Source: RFC 5280 section 4.1.
public final class Certificate: Hashable, Sendable {
    /// The whole certificate as received.
    public let der: [UInt8]
    /// The signed part, a slice of `der`.
    public let tbs: ArraySlice<UInt8>
    /// Content of the serial number's INTEGER without a leading zero byte; empty for serial number 0.
    public let serial: [UInt8]
    /// DER of the issuer's and the subject's `Name`; names are compared byte by byte.
    public let issuerName: [UInt8]
    public let subjectName: [UInt8]
    /// The last common name of the subject, or an empty string.
    public let subjectCommonName: String
    /// First and last second at which the certificate is valid.
    public let notBefore: Timestamp
    public let notAfter: Timestamp
    public let publicKey: PublicKey
    /// DER of the `SubjectPublicKeyInfo`.
    public let subjectPublicKeyInfo: [UInt8]
    /// SHA-256 of `subjectPublicKeyInfo`: the form in which Cloister pins keys (formats section 1).
    public let pin: Digest
    public let signatureAlgorithm: SignatureAlgorithm
    public let signature: [UInt8]
    /// Basic constraints: whether the subject may issue certificates, and below it how many further issuers.
    public let isCertificateAuthority: Bool
    public let pathLength: Int?
    /// Key usage bits; nil when the extension is absent.
    public let keyUsage: KeyUsage?
    /// Whether there is a critical extension that this type does not understand.
    public let hasUnknownCriticalExtension: Bool
    private let extensions: X509Extensions

    /// Key usage bits that chains of evidence need.
    public struct KeyUsage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }
        public static let digitalSignature = KeyUsage(rawValue: 1 << 0)
        public static let keyCertSign = KeyUsage(rawValue: 1 << 5)
        public static let crlSign = KeyUsage(rawValue: 1 << 6)
    }

    /// Longest certificate that is read; those that Azure Attestation signs with hold a whole quote (29 kB in 2026).
    public static let maximumBytes = 65_536

    /// Reads one DER certificate that fills `der`.
    ///
    /// - Parameter code: the refusal to throw; evidence chains use `evidence-chain`.
    /// - Throws: `Refusal` with `code` for anything but a version 3 certificate with known algorithms.
    public convenience init(
        der: some Collection<UInt8>, refusing code: RefusalCode = .evidenceChain
    ) throws(Refusal) {
        let der = Array(der)
        do { try self.init(parsing: der) } catch {
            throw Refusal(code, "certificate of \(der.count) bytes is not readable X.509 (\(error.shortReason))")
        }
    }

    private init(parsing der: [UInt8]) throws {
        guard der.count <= Certificate.maximumBytes else { throw UnsupportedASN1.oversized }
        self.der = der
        let signed = try SignedASN1(der)
        tbs = signed.tbs.encoded
        signatureAlgorithm = signed.algorithm
        signature = signed.signature
        // TBSCertificate ::= SEQUENCE { version [0], serialNumber, signature, issuer, validity, subject,
        //   subjectPublicKeyInfo, issuerUniqueID [1], subjectUniqueID [2], extensions [3] }
        let fields = try signed.tbs.members { nodes in
            let version: Int = try nodes.required().members(of: DERValue.Tag.explicit(0)) { inner in
                try inner.required().unsigned()
            }
            guard version == 2 else { throw UnsupportedASN1.version }
            let serial = try nodes.required().integerBytes
            try signed.requireSameAlgorithm(nodes.required())
            let issuer = try nodes.required()
            let validity = try nodes.required().members { inner in
                (try Timestamp(inner.required()), try Timestamp(inner.required()))
            }
            let subject = try nodes.required()
            let key = try nodes.required()
            // Unique identifiers have had no use since 1996; a certificate that has them is not a vendor's.
            let extensions = try nodes.required().members(of: DERValue.Tag.explicit(3)) { inner in
                try X509Extensions(inner.required())
            }
            return (serial, issuer, validity, subject, key, extensions)
        }
        serial = Array(fields.0.drop { $0 == 0 })
        guard serial.count <= Certificate.maximumSerialBytes else { throw UnsupportedASN1.length }
        issuerName = Array(fields.1.encoded)
        (notBefore, notAfter) = fields.2
        subjectName = Array(fields.3.encoded)
        subjectCommonName = try Certificate.commonName(fields.3)
        publicKey = try PublicKey(fields.4)
        subjectPublicKeyInfo = Array(fields.4.encoded)
        pin = Digest(of: subjectPublicKeyInfo)
        extensions = fields.5
        (isCertificateAuthority, pathLength) = try extensions.basicConstraints()
        keyUsage = try extensions.keyUsage()
        hasUnknownCriticalExtension = extensions.hasCritical(
            besides: [.basicConstraints, .keyUsage, .subjectAlternativeName])
    }

    /// Reads every `CERTIFICATE` block of `pem`, in order.
    ///
    /// - Throws: `Refusal` with `code` for broken blocks, for none, and for more than eight.
    public static func chain(
        pem: String, refusing code: RefusalCode = .evidenceChain
    ) throws(Refusal) -> [Certificate] {
        try chain(pem: pem, refusing: code, known: CertificateMemory(capacity: 8))
    }

    /// The same, where the caller has seen some of them before.
    static func chain(
        pem: String, refusing code: RefusalCode = .evidenceChain, known: CertificateMemory
    ) throws(Refusal) -> [Certificate] {
        guard pem.utf8.count <= 8 * 2 * maximumBytes, let blocks = PEM.decode(pem, label: "CERTIFICATE") else {
            throw Refusal(code, "certificate chain is not PEM")
        }
        guard !blocks.isEmpty, blocks.count <= 8 else {
            throw Refusal(code, "certificate chain has \(blocks.count) certificates; 1 to 8 are read")
        }
        var certificates: [Certificate] = []
        for block in blocks { certificates.append(try known.certificate(der: block, refusing: code)) }
        return certificates
    }

    /// The content of an extension's OCTET STRING, a slice of `der`; nil when absent.
    public func extensionValue(_ id: OID) -> ArraySlice<UInt8>? { extensions[id] }

    /// Whether `issuer`'s key made the signature. Names, constraints and validity are not looked at.
    public func isSigned(by issuer: Certificate) -> Bool {
        issuer.publicKey.isValid(signature: signature, over: tbs, algorithm: signatureAlgorithm)
    }

    public static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }
    public func hash(into hasher: inout Hasher) { hasher.combine(contentsOf: der) }
}

// MARK: Parsing

extension Certificate {
    /// Longer than any name of a vendor's; it is compared and stands in the details of checks.
    private static let maximumNameBytes = 256
    /// RFC 5280 section 4.1.2.2, without the zero byte before a high bit.
    private static let maximumSerialBytes = 20

    /// The last common name of a `Name`, which must be well formed to its end.
    private static func commonName(_ name: DERValue) throws -> String {
        var found = ""
        // Name ::= SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY }
        try name.members { sets in
            while let set = try sets.next() {
                try set.members(of: DERValue.Tag.set) { attributes in
                    while let attribute = try attributes.next() {
                        let (type, value) = try attribute.members { nodes in
                            (try nodes.required().objectIdentifier, try nodes.required())
                        }
                        guard type == .commonName, !value.isConstructed else { continue }
                        guard value.content.count <= maximumNameBytes else { throw UnsupportedASN1.length }
                        found = String(decoding: value.content, as: UTF8.self)
                    }
                }
            }
        }
        return found
    }
}
