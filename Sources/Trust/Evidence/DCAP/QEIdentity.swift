import Encoding

/// Intel's description of its quoting enclave, and the status of each of its versions.
///
/// - Source: Intel PCS API, enclave identity of version 2, id `QE` (SGX) and `TD_QE` (TDX).
final class QEIdentity: Sendable {
    /// `sgx` or `tdx`: whose quotes the enclave signs.
    let tee: TEE
    let issueDate: Timestamp
    let nextUpdate: Timestamp
    let evaluationDataNumber: Int64
    private let miscSelect: [UInt8]
    private let miscSelectMask: [UInt8]
    private let attributes: [UInt8]
    private let attributesMask: [UInt8]
    private let mrSigner: [UInt8]
    private let productID: UInt16
    /// Highest first, as Intel lists them; at least one.
    let levels: [ISVLevel]

    /// - Throws: `collateral-invalid`.
    init(signed text: String) throws(Refusal) {
        let reader = try CollateralReader(text, "QE identity")
        switch try reader.string("id") {
        case "QE": tee = .sgx
        case "TD_QE": tee = .tdx
        case let id: throw reader.wrong("is for \(id.excerpt(10)), neither QE nor TD_QE")
        }
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
        levels = try reader.isvLevels()
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
}
