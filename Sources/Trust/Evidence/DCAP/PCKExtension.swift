import Encoding

/// What Intel certifies about a platform inside its PCK certificate.
///
/// - Source: Intel SGX PCK certificate and CRL profile, extension 1.2.840.113741.1.13.1; `evidence.md` section 1.3.
struct PCKExtension: Sendable {
    static let id: OID = "1.2.840.113741.1.13.1"

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

    private init(parsing value: ArraySlice<UInt8>) throws {
        let fields = try Members(try DERValue(parsing: value), under: PCKExtension.id.bytes)
        ppid = try fields.octets(1, count: 16)
        let tcb = try Members(try fields.required(2), under: PCKExtension.id.bytes + [2])
        components = try (1...16).map { try tcb.required($0).unsigned() }
        pceSVN = try tcb.required(17).unsigned()
        cpuSVN = try tcb.octets(18, count: 16)
        pceID = try fields.octets(3, count: 2)
        fmspc = try fields.octets(4, count: 6)
        let configuration = try fields[7].map { try Members($0, under: PCKExtension.id.bytes + [7]) }
        isDynamicPlatform = try configuration?[1]?.boolean
        hasCachedKeys = try configuration?[2]?.boolean
        hasSMT = try configuration?[3]?.boolean
    }

    /// `SEQUENCE OF SEQUENCE { id OBJECT IDENTIFIER, value ANY }`, by the number that each id has under its parent's.
    private struct Members {
        /// Higher than any number in use, and encoded in one byte.
        private static let maximum = 31
        private let values: [DERValue?]

        init(_ node: DERValue, under parent: ArraySlice<UInt8>) throws {
            values = try node.members { entries in
                var values = [DERValue?](repeating: nil, count: Members.maximum + 1)
                while let entry = try entries.next() {
                    let (id, value) = try entry.members { nodes in
                        (try nodes.required().objectIdentifier.bytes, try nodes.required())
                    }
                    guard id.count == parent.count + 1, id.starts(with: parent), let last = id.last,
                        last <= Members.maximum, values[Int(last)] == nil
                    else { throw UnsupportedASN1.duplicateExtension }
                    values[Int(last)] = value
                }
                return values
            }
        }

        subscript(number: Int) -> DERValue? { values[number] }

        func required(_ number: Int) throws -> DERValue {
            guard let value = values[number] else { throw MalformedASN1.truncated }
            return value
        }

        func octets(_ number: Int, count: Int) throws -> [UInt8] {
            let bytes = try required(number).octets
            guard bytes.count == count else { throw UnsupportedASN1.length }
            return Array(bytes)
        }
    }
}
