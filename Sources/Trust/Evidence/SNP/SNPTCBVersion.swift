/// The security versions of one platform's firmware, by component; compared component by component, never as a number.
///
/// - Source: `evidence.md` section 1.2.
public struct SNPTCBVersion: Hashable, Sendable {
    /// Turin and later only; 0 elsewhere.
    public var fmc: UInt8
    public var bootLoader: UInt8
    public var tee: UInt8
    public var snp: UInt8
    public var microcode: UInt8

    public init(fmc: UInt8 = 0, bootLoader: UInt8, tee: UInt8, snp: UInt8, microcode: UInt8) {
        self.fmc = fmc
        self.bootLoader = bootLoader
        self.tee = tee
        self.snp = snp
        self.microcode = microcode
    }

    /// Reads the eight bytes of a TCB_VERSION as `product` lays them out.
    init(_ bytes: ArraySlice<UInt8>, product: SNPProduct) {
        let start = bytes.startIndex
        if product == .turin {
            fmc = bytes[start]
            bootLoader = bytes[start + 1]
            tee = bytes[start + 2]
            snp = bytes[start + 3]
        } else {
            fmc = 0
            bootLoader = bytes[start]
            tee = bytes[start + 1]
            snp = bytes[start + 6]
        }
        microcode = bytes[start + 7]
    }

    /// The eight bytes of a TCB_VERSION.
    public func bytes(product: SNPProduct) -> [UInt8] {
        product == .turin
            ? [fmc, bootLoader, tee, snp, 0, 0, 0, microcode] : [bootLoader, tee, 0, 0, 0, 0, snp, microcode]
    }

    /// Whether every component is at least that of `floor`.
    public func reaches(_ floor: SNPTCBVersion) -> Bool {
        fmc >= floor.fmc && bootLoader >= floor.bootLoader && tee >= floor.tee && snp >= floor.snp
            && microcode >= floor.microcode
    }

    /// The components that are below `floor`, each by its name after `prefix`.
    func shortcomings(against floor: SNPTCBVersion, prefix: String = "") -> [TCBShortcoming] {
        var found: [TCBShortcoming] = []
        for (name, seen, wanted) in [
            ("FMC", fmc, floor.fmc), ("boot loader", bootLoader, floor.bootLoader), ("TEE", tee, floor.tee),
            ("SNP", snp, floor.snp), ("microcode", microcode, floor.microcode),
        ] where seen < wanted {
            found.append(TCBShortcoming(component: prefix + name, seen: UInt16(seen), wanted: UInt16(wanted)))
        }
        return found
    }
}
