public import Encoding

/// What the maker of a utility VM signs about it: which launch measurement it has, and its security version.
///
/// Container groups send such endorsements beside the SNP report. Who may vouch is the relying party's to say: it pins
/// `issuer`, which names a certificate authority by its fingerprint, and `feed`.
///
/// - Source: attestation API reference, section 7.4; RFC 9052; the did:x509 method, version 0.
public struct UVMEndorsement: Hashable, Sendable {
    /// Longest endorsement that is read, in bytes; with certificates and a time stamp they have some 11 kB.
    public static let maximumBytes = 65_536

    /// `did:x509:0:sha256:…`, proven by the certificates.
    public let issuer: String
    /// The product line, for example `ContainerPlat-AMD-UVM`.
    public let feed: String
    /// 48 bytes.
    public let launchMeasurement: [UInt8]
    public let securityVersion: Int64
    /// The certificates of its chain, by which everything that they vouch for can be distrusted.
    public let marks: [EvidenceMark]

    /// Reads a COSE_Sign1 message and verifies signature, certificates and issuer.
    ///
    /// The certificates live a year and the machines longer, so that the time of the signature counts, which the message
    /// itself states, and not the present one. An old endorsement is a matter for the least `securityVersion`.
    ///
    /// - Parameter now: counts for a message that does not state when it was signed.
    /// - Throws: `evidence-malformed` for the message, `evidence-chain` for certificates that do not prove the issuer,
    ///   `evidence-signature`.
    public init(cose bytes: [UInt8], at now: Timestamp) throws(Refusal) {
        guard bytes.count <= UVMEndorsement.maximumBytes else {
            throw Refusal(.evidenceMalformed, "an endorsement of \(bytes.count) bytes is longer than any")
        }
        let message = try COSEMessage(bytes[...])
        let header = try COSEHeader(message.protected)
        var certificates: [Certificate] = []
        for der in header.certificates { certificates.append(try Certificate(der: der)) }
        let path = try CertificatePath(certificates, refusing: .evidenceChain)
        let signed = header.signingTime ?? now
        guard path.validity.contains(signed) else {
            throw Refusal(.evidenceChain, "endorsement: \(path.validity.problem(at: signed))")
        }
        try DIDX509(header.issuer).require(path)
        guard
            path.leaf.publicKey.isValid(
                signature: message.signature,
                over: COSESign1.signedBytes(protected: message.protected, payload: message.payload),
                algorithm: header.algorithm)
        else { throw Refusal(.evidenceSignature, "the signature over the endorsement is wrong") }
        issuer = header.issuer
        feed = header.feed
        marks = path.marks
        (launchMeasurement, securityVersion) = try UVMEndorsement.statement(message.payload)
    }

    private static func statement(_ payload: ArraySlice<UInt8>) throws(Refusal) -> ([UInt8], Int64) {
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(payload) } catch {
            throw Refusal(.evidenceMalformed, "endorsement: \(error)")
        }
        // Written as a decimal string by some signers.
        let version = json["x-ms-sevsnpvm-guestsvn"]
        guard let measurement = json["x-ms-sevsnpvm-launchmeasurement"]?.string.flatMap({ Hex.decode($0) }),
            measurement.count == 48, let number = version?.integer ?? version?.string.flatMap({ Int64($0) })
        else { throw Refusal(.evidenceMalformed, "the endorsement states no launch measurement or security version") }
        return (measurement, number)
    }
}

/// The four parts of a COSE_Sign1 message whose unprotected header says nothing that counts.
private struct COSEMessage {
    let protected: ArraySlice<UInt8>
    let payload: ArraySlice<UInt8>
    let signature: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        var reader = CBORReader(bytes)
        _ = try reader.takeTag(18, "COSE_Sign1")
        var items = try reader.array("COSE_Sign1")
        var parts: [ArraySlice<UInt8>] = []
        var position = 0
        while try reader.hasNext(&items, "COSE_Sign1") {
            if position == 1 {
                try reader.skip("unprotected header")
            } else {
                parts.append(try reader.byteString("COSE_Sign1 part"))
            }
            position += 1
            guard position <= 4 else { break }
        }
        guard position == 4 else { throw Refusal(.evidenceMalformed, "COSE_Sign1 is an array of four parts") }
        try reader.finish("COSE_Sign1")
        (protected, payload, signature) = (parts[0], parts[1], parts[2])
    }
}

/// The protected header of an endorsement: algorithm, certificates, issuer, feed, time.
private struct COSEHeader {
    let algorithm: SignatureAlgorithm
    /// DER, leaf first.
    let certificates: [ArraySlice<UInt8>]
    let issuer: String
    let feed: String
    let signingTime: Timestamp?

    private static let algorithmLabel: UInt64 = 1
    private static let chainLabel: UInt64 = 33
    private static let maximumCertificates = 6
    private static let algorithms: [Int64: SignatureAlgorithm] = [
        -37: .rsaPSS(.sha256), -38: .rsaPSS(.sha384), -39: .rsaPSS(.sha512),
    ]

    init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        var reader = CBORReader(bytes)
        var pairs = try reader.map("protected header")
        var algorithm: SignatureAlgorithm?
        var chain: [ArraySlice<UInt8>] = []
        var texts: [String: String] = [:]
        var time: Timestamp?
        while let key = try reader.nextKey(&pairs, "protected header") {
            switch key {
            case .unsigned(COSEHeader.algorithmLabel):
                algorithm = COSEHeader.algorithms[try reader.negative("algorithm")]
            case .unsigned(COSEHeader.chainLabel): chain = try COSEHeader.chain(&reader)
            case .text(let name) where name == "iss" || name == "feed": texts[name] = try reader.text("issuer or feed")
            case .text("signingtime"):
                _ = try reader.takeTag(1, "signing time")
                time = Int64(exactly: try reader.unsigned("signing time")).map(Timestamp.init(seconds:))
            default: try reader.skip("protected header")
            }
        }
        try reader.finish("the protected header")
        guard let algorithm, let issuer = texts["iss"], let feed = texts["feed"], !chain.isEmpty else {
            throw Refusal(
                .evidenceMalformed, "an endorsement has an algorithm of RSASSA-PSS, x5chain, an issuer and a feed")
        }
        self.algorithm = algorithm
        self.issuer = issuer
        self.feed = feed
        certificates = chain
        signingTime = time
    }

    private static func chain(_ reader: inout CBORReader) throws(Refusal) -> [ArraySlice<UInt8>] {
        var items = try reader.array("x5chain")
        var chain: [ArraySlice<UInt8>] = []
        while try reader.hasNext(&items, "x5chain") {
            guard chain.count < maximumCertificates else {
                throw Refusal(.evidenceMalformed, "x5chain has more than \(maximumCertificates) certificates")
            }
            chain.append(try reader.byteString("certificate"))
        }
        return chain
    }
}
