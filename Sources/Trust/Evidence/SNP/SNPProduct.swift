/// A generation of AMD processors with a root key (ARK) and a layout of TCB versions of its own.
///
/// - Source: `evidence.md` sections 1.1 (CPUID fields) and 1.2 (product names of certificates).
public enum SNPProduct: String, Hashable, Sendable, CaseIterable {
    case milan = "Milan"
    case genoa = "Genoa"
    case turin = "Turin"

    /// From the CPUID family and model of a report of version 3 and later; nil for a model that has no root here.
    public init?(family: UInt8, model: UInt8) {
        switch (family, model) {
        case (0x19, 0x00...0x0f): self = .milan
        // Bergamo and Siena are endorsed as Genoa.
        case (0x19, 0x10...0x1f), (0x19, 0xa0...0xaf): self = .genoa
        case (0x1a, 0x00...0x11): self = .turin
        default: return nil
        }
    }

    /// From the productName of a VCEK or VLEK, which may carry a stepping (`Milan-B0`) that is not compared.
    public init?(certificateName name: some StringProtocol) {
        self.init(rawValue: String(name.prefix { $0 != "-" }))
    }

    /// CPUID family and model that stand for this product.
    public var cpuid: (family: UInt8, model: UInt8, stepping: UInt8) {
        switch self {
        case .milan: (0x19, 0x01, 1)
        case .genoa: (0x19, 0x11, 1)
        case .turin: (0x1a, 0x02, 1)
        }
    }

    /// Bytes of the hardware id in CHIP_ID and in a VCEK.
    public var chipIDBytes: Int { self == .turin ? 8 : 64 }
    /// structVersion of endorsement certificates.
    public var certificateVersion: Int { self == .turin ? 1 : 0 }
}
