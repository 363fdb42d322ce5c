import Encoding

/// Intel's description of its quoting enclave, and the status of each of its versions.
///
/// - Source: Intel PCS API, enclave identity of version 2, id `QE`.
struct QEIdentity: Sendable {
    struct Level: Sendable {
        let isvSVN: UInt16
        let date: Timestamp
        let status: TCBStatus
        let advisories: [String]
    }

    let issueDate: Timestamp
    let nextUpdate: Timestamp
    let evaluationDataNumber: Int64
    private let miscSelect: [UInt8]
    private let miscSelectMask: [UInt8]
    private let attributes: [UInt8]
    private let attributesMask: [UInt8]
    private let mrSigner: [UInt8]
    private let productID: UInt16
    /// Highest first, as Intel lists them.
    private let levels: [Level]

    /// - Throws: `collateral-invalid`.
    init(signed text: String) throws(Refusal) {
        let reader = try CollateralReader(text, "QE identity")
        let id = try reader.string("id")
        guard id == "QE" else { throw reader.wrong("is for \(id.prefix(10)), not QE") }
        let version = try reader.integer("version")
        guard version == 2 else { throw reader.wrong("has version \(version); 2 is read") }
        issueDate = try reader.time("issueDate")
        nextUpdate = try reader.time("nextUpdate")
        evaluationDataNumber = try reader.integer("tcbEvaluationDataNumber")
        miscSelect = try reader.hex("miscselect", count: 4)
        miscSelectMask = try reader.hex("miscselectMask", count: 4)
        attributes = try reader.hex("attributes", count: 16)
        attributesMask = try reader.hex("attributesMask", count: 16)
        mrSigner = try reader.hex("mrsigner", count: 32)
        productID = try reader.unsigned("isvprodid")
        var levels: [Level] = []
        for level in try reader.levels() {
            levels.append(
                Level(
                    isvSVN: try level.object("tcb").unsigned("isvsvn"), date: try level.time("tcbDate"),
                    status: try level.status(), advisories: try level.advisories()))
        }
        self.levels = levels
    }

    /// What about `enclave` is not as described; nil when it is the quoting enclave.
    func difference(_ enclave: SGXReport) -> String? {
        func differs(_ seen: ArraySlice<UInt8>, _ wanted: [UInt8], under mask: [UInt8]) -> Bool {
            for (index, byte) in seen.enumerated() where byte & mask[index] != wanted[index] { return true }
            return false
        }
        if differs(enclave.miscSelect, miscSelect, under: miscSelectMask) { return "MISCSELECT differs" }
        if differs(enclave.attributeBytes, attributes, under: attributesMask) { return "ATTRIBUTES differ" }
        if enclave.attributes.contains(.debug) { return "it is a debug enclave" }
        if !enclave.mrSigner.elementsEqual(mrSigner) { return "MRSIGNER is \(Hex.encode(enclave.mrSigner))" }
        if enclave.productID != productID { return "ISVPRODID is \(enclave.productID), not \(productID)" }
        return nil
    }

    /// The first level whose ISVSVN the enclave reaches; nil when there is none.
    func level(of enclave: SGXReport) -> Level? { levels.first { $0.isvSVN <= enclave.svn } }
}
