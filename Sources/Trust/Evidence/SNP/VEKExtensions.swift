import Encoding

/// What AMD certifies about a chip, or about a cloud provider's key, inside a VCEK or VLEK certificate.
///
/// - Source: AMD VCEK specification 57230; `evidence.md` section 1.2.
struct VEKExtensions: Sendable {
    /// Object identifiers under AMD's 1.3.6.1.4.1.3704.1.
    enum ID {
        static let structVersion: OID = "1.3.6.1.4.1.3704.1.1"
        static let productName: OID = "1.3.6.1.4.1.3704.1.2"
        static let bootLoader: OID = "1.3.6.1.4.1.3704.1.3.1"
        static let tee: OID = "1.3.6.1.4.1.3704.1.3.2"
        static let snp: OID = "1.3.6.1.4.1.3704.1.3.3"
        static let microcode: OID = "1.3.6.1.4.1.3704.1.3.8"
        static let fmc: OID = "1.3.6.1.4.1.3704.1.3.9"
        static let hardwareID: OID = "1.3.6.1.4.1.3704.1.4"
        static let cloudProvider: OID = "1.3.6.1.4.1.3704.1.5"
    }

    let product: SNPProduct
    let kind: SNPReport.SigningKey
    let tcb: SNPTCBVersion
    /// VCEK: 64 bytes, Turin 8.
    let hardwareID: [UInt8]?
    /// VLEK: whom AMD gave the key to.
    let cloudProvider: String?

    /// - Throws: `evidence-chain`.
    init(_ certificate: Certificate) throws(Refusal) {
        let problem = Refusal(.evidenceChain, "\(certificate.nameForDetail) is not a VCEK or VLEK of a known form")
        let name = try VEKExtensions.text(certificate, ID.productName, problem)
        guard let product = SNPProduct(certificateName: name) else { throw problem }
        guard try VEKExtensions.number(certificate, ID.structVersion, problem) == UInt8(product.certificateVersion)
        else {
            throw problem
        }
        self.product = product
        tcb = SNPTCBVersion(
            fmc: product == .turin ? try VEKExtensions.number(certificate, ID.fmc, problem) : 0,
            bootLoader: try VEKExtensions.number(certificate, ID.bootLoader, problem),
            tee: try VEKExtensions.number(certificate, ID.tee, problem),
            snp: try VEKExtensions.number(certificate, ID.snp, problem),
            microcode: try VEKExtensions.number(certificate, ID.microcode, problem))
        // Raw bytes, not a nested OCTET STRING: a chip id may begin with 0x04.
        hardwareID = certificate.extensionValue(ID.hardwareID).map { Array($0) }
        let hasProvider = certificate.extensionValue(ID.cloudProvider) != nil
        cloudProvider = hasProvider ? try VEKExtensions.text(certificate, ID.cloudProvider, problem) : nil
        switch certificate.subjectCommonName {
        case "SEV-VCEK":
            guard hardwareID?.count == product.chipIDBytes, cloudProvider == nil else { throw problem }
            kind = .vcek
        case "SEV-VLEK":
            guard hardwareID == nil, cloudProvider != nil else { throw problem }
            kind = .vlek
        default: throw problem
        }
    }

    private static func number(_ certificate: Certificate, _ id: OID, _ problem: Refusal) throws(Refusal) -> UInt8 {
        guard let value = certificate.extensionValue(id), let number: UInt8 = try? DERValue(parsing: value).unsigned()
        else { throw problem }
        return number
    }

    private static func text(_ certificate: Certificate, _ id: OID, _ problem: Refusal) throws(Refusal) -> String {
        guard let value = certificate.extensionValue(id), let string = try? DERValue(parsing: value),
            string.tag == DERValue.Tag.ia5String, string.content.allSatisfy({ $0 < 0x80 })
        else { throw problem }
        return String(decoding: string.content, as: UTF8.self)
    }
}
