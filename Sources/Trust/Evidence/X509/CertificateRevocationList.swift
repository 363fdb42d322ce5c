public import Encoding

/// A certificate revocation list: who issued it, for what time, and which serial numbers it names.
///
/// Reading a list says nothing about its signature or freshness.
///
/// - Source: RFC 5280 section 5.1.
public struct CertificateRevocationList: Hashable, Sendable {
    /// The whole list as received.
    public let der: [UInt8]
    /// The signed part, a slice of `der`.
    public let tbs: ArraySlice<UInt8>
    /// DER of the issuer's `Name`.
    public let issuerName: [UInt8]
    /// The list holds from `thisUpdate` until before `nextUpdate`.
    public let thisUpdate: Timestamp
    public let nextUpdate: Timestamp
    /// Serial numbers in the form of `Certificate.serial`.
    public let revokedSerials: Set<[UInt8]>
    public let signatureAlgorithm: SignatureAlgorithm
    public let signature: [UInt8]

    /// Longest list that is read.
    public static let maximumBytes = 1 << 20

    /// Reads one DER list that fills `der`.
    ///
    /// - Throws: `Refusal` with `code` also for a list without `nextUpdate`, and for critical extensions: they would
    ///   narrow what the list says (delta lists, lists of one distribution point).
    public init(der: some Collection<UInt8>, refusing code: RefusalCode = .collateralInvalid) throws(Refusal) {
        let der = Array(der)
        do { self = try CertificateRevocationList(parsing: der) } catch {
            throw Refusal(code, "revocation list of \(der.count) bytes is not readable (\(error.shortReason))")
        }
    }

    /// Reads hexadecimal DER, as collateral carries lists, or one PEM block, as Azure's host service does.
    public init(text: String, refusing code: RefusalCode = .collateralInvalid) throws(Refusal) {
        if let der = Hex.decode(text) {
            self = try CertificateRevocationList(der: der, refusing: code)
        } else if let blocks = PEM.decode(text, label: "X509 CRL"), blocks.count == 1 {
            self = try CertificateRevocationList(der: blocks[0], refusing: code)
        } else {
            throw Refusal(code, "revocation list is neither hexadecimal nor PEM")
        }
    }

    /// Whether `issuer`'s key made the signature.
    public func isSigned(by issuer: Certificate) -> Bool {
        issuer.publicKey.isValid(signature: signature, over: tbs, algorithm: signatureAlgorithm)
    }

    /// Whether the list names the certificate's serial number; the caller knows that both have the same issuer.
    public func revokes(_ certificate: Certificate) -> Bool { revokedSerials.contains(certificate.serial) }

    public static func == (left: CertificateRevocationList, right: CertificateRevocationList) -> Bool {
        left.der == right.der
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

// MARK: Parsing

extension CertificateRevocationList {
    private init(parsing der: [UInt8]) throws {
        guard der.count <= CertificateRevocationList.maximumBytes else { throw UnsupportedASN1.oversized }
        self.der = der
        let signed = try SignedASN1(der)
        tbs = signed.tbs.encoded
        signatureAlgorithm = signed.algorithm
        signature = signed.signature
        // TBSCertList ::= SEQUENCE { version, signature, issuer, thisUpdate, nextUpdate,
        //   revokedCertificates SEQUENCE OF … OPTIONAL, crlExtensions [0] }
        let fields = try signed.tbs.members { nodes in
            guard try nodes.required().unsigned(Int.self) == 1 else { throw UnsupportedASN1.version }
            try signed.requireSameAlgorithm(nodes.required())
            let issuer = try nodes.required()
            let thisUpdate = try Timestamp(nodes.required())
            let nextUpdate = try Timestamp(nodes.required())
            let serials = try nodes.next(ifTag: DERValue.Tag.sequence).map(CertificateRevocationList.serials) ?? []
            if let extensions = try nodes.next() {
                try extensions.members(of: DERValue.Tag.explicit(0)) { inner in
                    try CertificateRevocationList.requireNothingCritical(inner.required())
                }
            }
            return (issuer, thisUpdate, nextUpdate, serials)
        }
        issuerName = Array(fields.0.encoded)
        thisUpdate = fields.1
        nextUpdate = fields.2
        revokedSerials = fields.3
    }

    /// `SEQUENCE OF SEQUENCE { userCertificate, revocationDate, crlEntryExtensions OPTIONAL }`
    private static func serials(_ list: DERValue) throws -> Set<[UInt8]> {
        try list.members { entries in
            var serials: Set<[UInt8]> = []
            while let entry = try entries.next() {
                let serial = try entry.members { nodes in
                    let serial = try nodes.required().integerBytes
                    _ = try Timestamp(nodes.required())
                    if let extensions = try nodes.next() { try requireNothingCritical(extensions) }
                    return serial
                }
                serials.insert(Array(serial.drop { $0 == 0 }))
            }
            return serials
        }
    }

    private static func requireNothingCritical(_ node: DERValue) throws {
        guard try !X509Extensions(node).hasCritical(besides: []) else { throw UnsupportedASN1.criticalExtension }
    }
}
