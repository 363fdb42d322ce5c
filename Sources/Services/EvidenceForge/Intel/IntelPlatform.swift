import Encoding

/// What a PCK certificate says about a platform.
///
/// - Source: Intel SGX PCK Certificate and CRL Specification; evidence page section 1.3.
package struct IntelPlatform: Sendable {
    /// Platform provisioning id, 16 bytes.
    package var ppid: [UInt8]
    /// Family, model, stepping, platform and custom SKU; names the TCB info.
    package var fmspc: [UInt8]
    package var pceID: [UInt8] = [0, 0]
    /// The 16 TCB components.
    package var components: [UInt8]
    package var pceSVN: UInt64 = 13
    package var cpuSVN: [UInt8]
    /// Dynamic platform, cached keys, SMT; nil as certificates of the Processor CA have it.
    package var configuration: (dynamic: Bool, cachedKeys: Bool, smt: Bool)?
    /// Last numbers of members that are left away, for example `.4` for the FMSPC.
    package var omitted: Set<String> = []

    /// A client machine with SGX, certified by the Processor CA.
    package static func sgx(ppid: [UInt8]) -> IntelPlatform {
        let components: [UInt8] = [7, 9, 3, 3, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        return IntelPlatform(
            ppid: ppid, fmspc: [0x00, 0xc1, 0x01, 0x57, 0x00, 0x00], components: components, cpuSVN: components)
    }

    /// A server with TDX, certified by the Platform CA.
    package static func tdx(ppid: [UInt8]) -> IntelPlatform {
        let components: [UInt8] = [3, 3, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]
        return IntelPlatform(
            ppid: ppid, fmspc: [0x00, 0xc2, 0x06, 0xf2, 0x00, 0x00], components: components, cpuSVN: components,
            configuration: (dynamic: true, cachedKeys: true, smt: true))
    }

    private static let base = CertificateRecipe.sgxExtensionID

    /// Sets one component, and CPUSVN as if its bytes were the components: some verifiers take them for that.
    package mutating func set(component index: Int, to svn: UInt8) {
        components[index] = svn
        cpuSVN[index] = svn
    }

    /// The SGX extension: identifier, TCB, PCEID, FMSPC, SGX type, and of the Platform CA instance and configuration.
    package var certificateExtension: CertificateExtension {
        func member(_ suffix: String, _ value: [UInt8]) -> [UInt8] {
            guard !omitted.contains(suffix) else { return [] }
            return DERBytes.sequence(DERBytes.objectIdentifier(IntelPlatform.base + suffix), value)
        }
        var tcb = components.enumerated().map { index, component in
            member(".2.\(index + 1)", DERBytes.integer(UInt64(component)))
        }
        tcb.append(member(".2.17", DERBytes.integer(pceSVN)))
        tcb.append(member(".2.18", DERBytes.octetString(cpuSVN)))
        var members = [
            member(".1", DERBytes.octetString(ppid)),
            member(".2", DERBytes.sequence(of: tcb)),
            member(".3", DERBytes.octetString(pceID)),
            member(".4", DERBytes.octetString(fmspc)),
            member(".5", DERBytes.enumerated(configuration == nil ? 0 : 1)),
        ]
        if let configuration {
            members.append(member(".6", DERBytes.octetString(Array(ppid.reversed()))))
            let flags = [configuration.dynamic, configuration.cachedKeys, configuration.smt]
            members.append(
                member(
                    ".7",
                    DERBytes.sequence(
                        of: flags.enumerated().map { member(".7.\($0 + 1)", DERBytes.boolean($1)) })))
        }
        return CertificateExtension(IntelPlatform.base, value: DERBytes.sequence(of: members))
    }
}

extension CertificateRecipe {
    package static let sgxExtensionID = "1.2.840.113741.1.13.1"
}
