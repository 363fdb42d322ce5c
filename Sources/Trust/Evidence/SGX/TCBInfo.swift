import Encoding

/// Intel's list of TCB levels for one family of platforms.
///
/// - Source: Intel PCS API, TCB info of version 2 (API v3, one member per component) and 3 (API v4, an array).
struct TCBInfo: Sendable {
    struct Level: Sendable {
        /// The 16 components of the SGX TCB.
        let components: [UInt8]
        let pceSVN: UInt16
        let date: Timestamp
        let status: TCBStatus
        let advisories: [String]

        /// Whether a platform reaches this level: every component and PCESVN.
        func isReached(by platform: PCKExtension) -> Bool {
            for (seen, wanted) in zip(platform.components, components) where seen < wanted { return false }
            return platform.pceSVN >= pceSVN
        }
    }

    let issueDate: Timestamp
    let nextUpdate: Timestamp
    let fmspc: [UInt8]
    let pceID: [UInt8]
    let evaluationDataNumber: Int64
    /// Highest first, as Intel lists them.
    let levels: [Level]

    /// - Throws: `collateral-invalid`.
    init(signed text: String) throws(Refusal) {
        let reader = try CollateralReader(text, "TCB info")
        let version = try reader.integer("version")
        guard version == 2 || version == 3 else { throw reader.wrong("has version \(version); 2 and 3 are read") }
        // Version 2 knew SGX only and names no TEE.
        let id = version == 2 ? "SGX" : try reader.string("id")
        guard id == "SGX" else { throw reader.wrong("is for \(id.prefix(10)), not SGX") }
        let type = try reader.integer("tcbType")
        guard type == 0 else { throw reader.wrong("has tcbType \(type); 0 is read") }
        issueDate = try reader.time("issueDate")
        nextUpdate = try reader.time("nextUpdate")
        fmspc = try reader.hex("fmspc", count: 6)
        pceID = try reader.hex("pceId", count: 2)
        evaluationDataNumber = try reader.integer("tcbEvaluationDataNumber")
        var levels: [Level] = []
        for level in try reader.levels() {
            let tcb = try level.object("tcb")
            levels.append(
                Level(
                    components: version == 2 ? try TCBInfo.namedComponents(tcb) : try TCBInfo.componentArray(tcb),
                    pceSVN: try tcb.unsigned("pcesvn"), date: try level.time("tcbDate"), status: try level.status(),
                    advisories: try level.advisories()))
        }
        self.levels = levels
    }

    private static func namedComponents(_ tcb: CollateralReader) throws(Refusal) -> [UInt8] {
        var components: [UInt8] = []
        for number in 1...16 { components.append(try tcb.unsigned("sgxtcbcomp\(number < 10 ? "0" : "")\(number)svn")) }
        return components
    }

    private static func componentArray(_ tcb: CollateralReader) throws(Refusal) -> [UInt8] {
        var components: [UInt8] = []
        for entry in try tcb.array("sgxtcbcomponents") { components.append(try entry.unsigned("svn")) }
        guard components.count == 16 else { throw tcb.wrong("has \(components.count) components; there are 16") }
        return components
    }

    /// The first level that the platform reaches; nil when there is none.
    func level(of platform: PCKExtension) -> Level? { levels.first { $0.isReached(by: platform) } }

    /// What the platform lacks for the newest level, for whoever has to update it.
    func shortcomings(of platform: PCKExtension) -> String {
        guard let newest = levels.first else { return "" }
        var short: [String] = []
        for (index, pair) in zip(platform.components, newest.components).enumerated() where pair.0 < pair.1 {
            short.append("component \(index + 1): \(pair.0) < \(pair.1)")
        }
        if platform.pceSVN < newest.pceSVN { short.append("PCESVN: \(platform.pceSVN) < \(newest.pceSVN)") }
        return short.joined(separator: ", ")
    }
}
