import Crypto
import Encoding
import Evidence

/// A simulated quoting enclave: an attestation key, certified once by the machine's PCK, that signs quotes.
///
/// - Source: Intel SGX ECDSA QuoteLibReference, appendix A; evidence page section 1.3.
struct SGXQuoteSigner: Sendable {
    /// Identity of the party that would have signed the enclave: the same for every simulated enclave.
    static let enclaveSigner = Encoding.Digest(of: "cloister simulated signer").bytes
    private static let productID: UInt16 = 1
    private static let svn: UInt16 = 1

    private let key = P256.Signing.PrivateKey()
    private let header: [UInt8]
    /// Everything after the quote's signature: attestation key, QE report and its signature, certification data.
    private let certification: [UInt8]

    init(root: DevelopmentRoot, randomness: Randomness) throws {
        typealias Layout = SGXQuote.Layout
        var header = [UInt8](repeating: 0, count: Layout.headerBytes)
        header.put(UInt16(3), at: Layout.version)
        header.put(UInt16(2), at: Layout.attestationKeyType)
        header.put(SimulatedPlatform.SGX.quotingEnclaveSVN, at: Layout.quotingEnclaveSVN)
        header.put(SimulatedPlatform.SGX.pceSVN, at: Layout.provisioningEnclaveSVN)
        header.put(Layout.intelVendor, at: Layout.quotingEnclaveVendor)
        header.put(randomness.bytes(16), at: Layout.userData)
        self.header = header

        let authentication = randomness.bytes(32)
        let attestationKey = Array(key.publicKey.rawRepresentation)
        let report = Self.quotingEnclaveReport(binding: Encoding.Digest(of: attestationKey + authentication))
        guard case .p256(let pck) = root.pck.key else { throw CryptoKitError.incorrectParameterSize }
        let chain = [root.pck, root.processorAuthority, root.sgxRoot]
            .map { PEM.encode($0.certificate, label: "CERTIFICATE") }.joined()

        var certification = attestationKey + report + Array(try pck.signature(for: report).rawRepresentation)
        certification.appendLittleEndian(UInt16(authentication.count))
        certification += authentication
        certification.appendLittleEndian(SGXQuote.CertificationType.certificateChain.rawValue)
        certification.appendLittleEndian(UInt32(chain.utf8.count))
        certification += Array(chain.utf8)
        self.certification = certification
    }

    func quote(measurement: ExecutableMeasurement, party: Encoding.Digest, reportData: [UInt8]) throws -> [UInt8] {
        typealias Layout = SGXReport.Layout
        var report = Self.report(attributes: [.initialised, .mode64Bit, .keySeparationAndSharing])
        report.put(measurement.enclave, at: Layout.mrEnclave)
        report.put(Self.enclaveSigner, at: Layout.mrSigner)
        report.put(party.bytes, at: Layout.configID)
        report.put(Self.productID, at: Layout.productID)
        report.put(Self.svn, at: Layout.svn)
        report.put(reportData, at: Layout.reportData)

        let signed = header + report
        let signatureData = Array(try key.signature(for: signed).rawRepresentation) + certification
        var quote = signed
        quote.appendLittleEndian(UInt32(signatureData.count))
        return quote + signatureData
    }

    private static func quotingEnclaveReport(binding: Encoding.Digest) -> [UInt8] {
        typealias Layout = SGXReport.Layout
        var report = report(attributes: [.initialised, .mode64Bit, .provisionKey])
        report.put(Encoding.Digest(of: "cloister simulated quoting enclave").bytes, at: Layout.mrEnclave)
        report.put(SimulatedPlatform.SGX.quotingEnclaveSigner, at: Layout.mrSigner)
        report.put(SimulatedPlatform.SGX.quotingEnclaveProduct, at: Layout.productID)
        report.put(SimulatedPlatform.SGX.quotingEnclaveSVN, at: Layout.svn)
        report.put(binding.bytes, at: Layout.reportData)
        return report
    }

    private static func report(attributes: SGXReport.Attributes) -> [UInt8] {
        typealias Layout = SGXReport.Layout
        var report = [UInt8](repeating: 0, count: Layout.byteCount)
        report.put(SimulatedPlatform.SGX.components, at: Layout.cpuSVN)
        report.put(attributes.rawValue, at: Layout.attributes)
        report.put(SimulatedPlatform.SGX.xfrm, at: Layout.attributes + 8)
        return report
    }
}

extension [UInt8] {
    /// Overwrites the bytes from `offset` on.
    mutating func put(_ bytes: some Collection<UInt8>, at offset: Int) {
        replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    /// Overwrites an integer at `offset`, least significant byte first.
    mutating func put(_ value: some FixedWidthInteger, at offset: Int) {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(value)
        put(bytes, at: offset)
    }
}
