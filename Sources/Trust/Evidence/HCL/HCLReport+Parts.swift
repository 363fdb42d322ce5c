public import Encoding

// Guest libraries send the parts of an HCL report one by one. Put together again, they are judged by the same rules.
extension HCLReport {
    /// The report that the paravisor wrote around an SNP report.
    ///
    /// - Parameters:
    ///   - report: 1,184 bytes.
    ///   - runtimeData: the JSON that the report binds by SHA-256.
    /// - Throws: `evidence-malformed` for a report of another length or runtime data that is too long.
    public static func bytes(snp report: [UInt8], runtimeData: [UInt8]) throws(Refusal) -> [UInt8] {
        guard report.count == Layout.hardwareBytes else {
            throw Refusal(.evidenceMalformed, "an SNP report has \(Layout.hardwareBytes) bytes, not \(report.count)")
        }
        return try bytes(hardware: report, type: 2, runtimeData: runtimeData)
    }

    /// The report that the paravisor wrote around the TDREPORT behind a quote, as far as the quote repeats it.
    ///
    /// - Throws: `evidence-malformed` for runtime data that is too long.
    public static func bytes(tdx quote: TDXQuote, runtimeData: [UInt8]) throws(Refusal) -> [UInt8] {
        var local = [UInt8](repeating: 0, count: Layout.hardwareBytes)
        local[0] = 0x81
        local.replaceSubrange(128..<128 + 64, with: quote.report.reportData)
        local.replaceSubrange(528..<528 + TDReport.Layout.measurementBytes, with: quote.report.mrTD)
        return try bytes(hardware: local, type: 4, runtimeData: runtimeData)
    }

    private static func bytes(hardware: [UInt8], type: UInt32, runtimeData: [UInt8]) throws(Refusal) -> [UInt8] {
        guard runtimeData.count <= Layout.maximumBytes - Layout.runtimeData else {
            throw Refusal(.evidenceMalformed, "runtime data of \(runtimeData.count) bytes is longer than any")
        }
        let length = UInt32(runtimeData.count)
        var bytes = Array("HCLA".utf8)
        for word in [2, UInt32(Layout.runtimeData) + length, 2, 0, 0, 0, 0] { bytes.appendLittleEndian(word) }
        bytes += hardware
        for word in [20 + length, 1, type, 1, length] { bytes.appendLittleEndian(word) }
        return bytes + runtimeData
    }
}
