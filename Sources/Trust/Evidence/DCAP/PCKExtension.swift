import Encoding
import SwiftASN1

/// What Intel certifies about a platform inside its PCK certificate.
///
/// - Source: Intel SGX PCK certificate and CRL profile, extension 1.2.840.113741.1.13.1; `evidence.md` section 1.3.
struct PCKExtension: Sendable {
    static let id = "1.2.840.113741.1.13.1"

    /// Platform provisioning id, 16 bytes.
    let ppid: [UInt8]
    /// The 16 components that TCB levels are compared with.
    let components: [UInt8]
    let pceSVN: UInt16
    let cpuSVN: [UInt8]
    /// Two bytes.
    let pceID: [UInt8]
    /// Six bytes: family, model, stepping and platform type.
    let fmspc: [UInt8]
    /// Nil in certificates of the Processor CA.
    let isDynamicPlatform: Bool?
    let hasCachedKeys: Bool?
    let hasSMT: Bool?

    /// - Throws: `evidence-chain`.
    init(_ certificate: Certificate) throws(Refusal) {
        guard let value = certificate.extensionValue(PCKExtension.id) else {
            throw Refusal(.evidenceChain, "\(certificate.nameForDetail) lacks the SGX extension of a PCK certificate")
        }
        do { self = try PCKExtension(parsing: value) } catch {
            throw Refusal(.evidenceChain, "the SGX extension of the PCK certificate is not readable")
        }
    }

    private init(parsing value: [UInt8]) throws {
        let fields = try PCKExtension.members(try DER.parse(value))
        ppid = try PCKExtension.octets(fields[1], count: 16)
        let tcb = try PCKExtension.members(try PCKExtension.required(fields[2]))
        components = try (1...16).map { try UInt8(derEncoded: try PCKExtension.required(tcb[$0])) }
        pceSVN = try UInt16(derEncoded: try PCKExtension.required(tcb[17]))
        cpuSVN = try PCKExtension.octets(tcb[18], count: 16)
        pceID = try PCKExtension.octets(fields[3], count: 2)
        fmspc = try PCKExtension.octets(fields[4], count: 6)
        let configuration = try fields[7].map { try PCKExtension.members($0) } ?? [:]
        isDynamicPlatform = try configuration[1].map { try Bool(derEncoded: $0) }
        hasCachedKeys = try configuration[2].map { try Bool(derEncoded: $0) }
        hasSMT = try configuration[3].map { try Bool(derEncoded: $0) }
    }

    /// `SEQUENCE OF SEQUENCE { id OBJECT IDENTIFIER, value ANY }`, by the last number of each id.
    private static func members(_ node: ASN1Node) throws -> [Int: ASN1Node] {
        var members: [Int: ASN1Node] = [:]
        try DER.sequence(node, identifier: .sequence) { entries in
            while let entry = entries.next() {
                try DER.sequence(entry, identifier: .sequence) { nodes in
                    let id = String(describing: try ASN1ObjectIdentifier(derEncoded: &nodes))
                    let value = try nodes.required()
                    guard id.hasPrefix(Self.id + "."), let last = id.split(separator: ".").last, let number = Int(last),
                        members.updateValue(value, forKey: number) == nil
                    else { throw UnsupportedASN1.duplicateExtension }
                }
            }
        }
        return members
    }

    private static func required(_ node: ASN1Node?) throws -> ASN1Node {
        guard let node else { throw ASN1Error.truncatedASN1Field() }
        return node
    }

    private static func octets(_ node: ASN1Node?, count: Int) throws -> [UInt8] {
        let bytes = try ASN1OctetString(derEncoded: try required(node)).bytes
        guard bytes.count == count else { throw UnsupportedASN1.length }
        return Array(bytes)
    }
}
