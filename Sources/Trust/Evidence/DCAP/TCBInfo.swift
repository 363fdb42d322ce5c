import Encoding

/// Intel's list of TCB levels for one family of platforms, for SGX or for TDX.
///
/// - Source: Intel PCS API, TCB info of version 2 (API v3, SGX only, one member per component) and 3 (API v4, arrays).
final class TCBInfo: Sendable {
    /// One of the 16 security versions of SGX or of TDX.
    struct Component: Sendable {
        /// Wider than the byte that it is compared with: what no platform can reach is not reached.
        let svn: UInt16
        /// Who updates it, and what it is, for example `BIOS` and `Early Microcode Update`; nil where Intel does not say.
        let category: String?
        let type: String?
    }

    struct Level: Sendable {
        /// The 16 components of the SGX TCB.
        let sgx: [Component]
        let pceSVN: UInt16
        /// The 16 components of the TDX TCB; empty for SGX.
        let tdx: [Component]
        let date: Timestamp
        let status: TCBStatus
        let advisories: [String]
    }

    /// `sgx` or `tdx`.
    let tee: TEE
    let issueDate: Timestamp
    let nextUpdate: Timestamp
    let fmspc: [UInt8]
    let pceID: [UInt8]
    let evaluationDataNumber: Int64
    /// TDX: the module of version 0, then those of later versions.
    let module: TDXModule?
    let moduleIdentities: [TDXModuleIdentity]
    /// Highest first, as Intel lists them.
    let levels: [Level]

    /// - Throws: `collateral-invalid`.
    init(signed text: String) throws(Refusal) {
        let reader = try CollateralReader(text, "TCB info")
        let version = try reader.integer("version")
        guard version == 2 || version == 3 else { throw reader.wrong("has version \(version); 2 and 3 are read") }
        // Version 2 knew SGX only and names no TEE.
        switch version == 2 ? "SGX" : try reader.string("id") {
        case "SGX": tee = .sgx
        case "TDX": tee = .tdx
        case let id: throw reader.wrong("is for \(id.excerpt(10)), neither SGX nor TDX")
        }
        let type = try reader.integer("tcbType")
        guard type == 0 else { throw reader.wrong("has tcbType \(type); 0 is read") }
        issueDate = try reader.time("issueDate")
        nextUpdate = try reader.time("nextUpdate")
        fmspc = try reader.hex("fmspc", count: 6)
        pceID = try reader.hex("pceId", count: 2)
        evaluationDataNumber = try reader.integer("tcbEvaluationDataNumber")
        if tee == .tdx {
            module = try TDXModule(try reader.object("tdxModule"))
            moduleIdentities = try TDXModuleIdentity.all(reader)
        } else {
            module = nil
            moduleIdentities = []
        }
        var levels: [Level] = []
        for level in try reader.levels() {
            let tcb = try level.object("tcb")
            levels.append(
                Level(
                    sgx: version == 2 ? try TCBInfo.named(tcb) : try TCBInfo.components(tcb, "sgxtcbcomponents"),
                    pceSVN: try tcb.unsigned("pcesvn"),
                    tdx: tee == .tdx ? try TCBInfo.components(tcb, "tdxtcbcomponents") : [],
                    date: try level.time("tcbDate"), status: try level.status(), advisories: try level.advisories()))
        }
        self.levels = levels
    }

    private static func named(_ tcb: CollateralReader) throws(Refusal) -> [Component] {
        var components: [Component] = []
        for number in 1...16 {
            let svn: UInt16 = try tcb.unsigned("sgxtcbcomp\(number < 10 ? "0" : "")\(number)svn")
            components.append(Component(svn: svn, category: nil, type: nil))
        }
        return components
    }

    private static func components(_ tcb: CollateralReader, _ name: String) throws(Refusal) -> [Component] {
        var components: [Component] = []
        for entry in try tcb.array(name) {
            components.append(
                Component(
                    svn: try entry.unsigned("svn"), category: entry.optionalString("category"),
                    type: entry.optionalString("type")))
        }
        guard components.count == 16 else {
            throw tcb.wrong("has \(components.count) members of \(name); there are 16")
        }
        return components
    }
}
