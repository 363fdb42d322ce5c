public import Encoding
import SwiftASN1

/// An X.509 certificate as evidence, tokens and key-release answers carry it: parsed strictly, compared by its bytes.
///
/// A parser of our own on swift-asn1, because AMD's chains are RSASSA-PSS, which swift-certificates does not read.
/// Reading a certificate says nothing about trust; `CertificatePath` validates a chain.
///
/// - Source: RFC 5280 section 4.1.
public struct Certificate: Hashable, Sendable {
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
    private let extensions: [String: [UInt8]]

    /// Key usage bits that chains of evidence need.
    public struct KeyUsage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }
        public static let digitalSignature = KeyUsage(rawValue: 1 << 0)
        public static let keyCertSign = KeyUsage(rawValue: 1 << 5)
        public static let crlSign = KeyUsage(rawValue: 1 << 6)
    }

    /// Longest certificate that is read.
    public static let maximumBytes = 16_384

    /// Reads one DER certificate that fills `der`.
    ///
    /// - Parameter code: the refusal to throw; evidence chains use `evidence-chain`.
    /// - Throws: `Refusal` with `code` for anything but a version 3 certificate with known algorithms.
    public init(der: some Collection<UInt8>, refusing code: RefusalCode = .evidenceChain) throws(Refusal) {
        let der = Array(der)
        do { self = try Certificate(parsing: der) } catch {
            throw Refusal(code, "certificate of \(der.count) bytes is not readable X.509 (\(error.shortReason))")
        }
    }

    /// Reads every `CERTIFICATE` block of `pem`, in order.
    ///
    /// - Throws: `Refusal` with `code` for broken blocks, for none, and for more than eight.
    public static func chain(
        pem: String, refusing code: RefusalCode = .evidenceChain
    ) throws(Refusal) -> [Certificate] {
        guard pem.utf8.count <= 8 * 2 * maximumBytes, let blocks = PEM.decode(pem, label: "CERTIFICATE") else {
            throw Refusal(code, "certificate chain is not PEM")
        }
        guard !blocks.isEmpty, blocks.count <= 8 else {
            throw Refusal(code, "certificate chain has \(blocks.count) certificates; 1 to 8 are read")
        }
        var certificates: [Certificate] = []
        for block in blocks { certificates.append(try Certificate(der: block, refusing: code)) }
        return certificates
    }

    /// The content of an extension's OCTET STRING, by dotted object identifier; nil when absent.
    public func extensionValue(_ oid: String) -> [UInt8]? { extensions[oid] }

    /// Whether `issuer`'s key made the signature. Names, constraints and validity are not looked at.
    public func isSigned(by issuer: Certificate) -> Bool {
        issuer.publicKey.isValid(signature: signature, over: tbs, algorithm: signatureAlgorithm)
    }

    public static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }
    public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

// MARK: Parsing

extension Certificate {
    private init(parsing der: [UInt8]) throws {
        guard der.count <= Certificate.maximumBytes else { throw UnsupportedASN1.oversized }
        self.der = der
        let signed = try SignedASN1(der)
        tbs = signed.tbs
        signatureAlgorithm = signed.algorithm
        signature = signed.signature
        // TBSCertificate ::= SEQUENCE { version [0], serialNumber, signature, issuer, validity, subject,
        //   subjectPublicKeyInfo, issuerUniqueID [1], subjectUniqueID [2], extensions [3] }
        let fields = try DER.sequence(signed.tbsNode, identifier: .sequence) { nodes in
            let version = try DER.explicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { node in
                try Int(derEncoded: node)
            }
            guard version == 2 else { throw UnsupportedASN1.version }
            let serial = try ArraySlice<UInt8>(derEncoded: &nodes)
            try signed.requireSameAlgorithm(nodes.next())
            let issuer = try nodes.required()
            let validity = try DER.sequence(nodes.required(), identifier: .sequence) { inner in
                (try Timestamp(inner.required()), try Timestamp(inner.required()))
            }
            let subject = try nodes.required()
            let key = try nodes.required()
            // Unique identifiers have had no use since 1996; a certificate that has them is not a vendor's.
            let extensions = try DER.explicitlyTagged(&nodes, tagNumber: 3, tagClass: .contextSpecific) { node in
                try X509Extensions(node)
            }
            return (serial, issuer, validity, subject, key, extensions)
        }
        serial = Array(fields.0.drop { $0 == 0 })
        issuerName = Array(fields.1.encodedBytes)
        (notBefore, notAfter) = fields.2
        subjectName = Array(fields.3.encodedBytes)
        subjectCommonName = try Certificate.commonName(fields.3)
        publicKey = try PublicKey(fields.4)
        subjectPublicKeyInfo = Array(fields.4.encodedBytes)
        pin = Digest(of: subjectPublicKeyInfo)
        let extensions = fields.5
        (isCertificateAuthority, pathLength) = try extensions.basicConstraints()
        keyUsage = try extensions.keyUsage()
        hasUnknownCriticalExtension = extensions.hasCritical(
            besides: [
                X509Extensions.basicConstraintsID, X509Extensions.keyUsageID, X509Extensions.subjectAlternativeNameID,
            ])
        self.extensions = extensions.values
    }

    private static func commonName(_ name: ASN1Node) throws -> String {
        var found = ""
        // Name ::= SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY }
        try DER.sequence(name, identifier: .sequence) { sets in
            while let set = sets.next() {
                try DER.set(set, identifier: .set) { attributes in
                    while let attribute = attributes.next() {
                        try DER.sequence(attribute, identifier: .sequence) { nodes in
                            let type = try ASN1ObjectIdentifier(derEncoded: &nodes)
                            let value = try nodes.required()
                            guard type == .commonName, case .primitive(let bytes) = value.content else { return }
                            found = String(decoding: bytes, as: UTF8.self)
                        }
                    }
                }
            }
        }
        return found
    }
}
