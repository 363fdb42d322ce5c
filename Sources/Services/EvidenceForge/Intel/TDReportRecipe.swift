import Encoding
import Evidence

/// The body of a TD quote: the measurements of a trust domain.
///
/// - Source: Intel TDX DCAP Quoting Library API, TD quote body descriptors; evidence page section 1.3.
package enum TDReportRecipe {
    /// ISVSVN of the newest module.
    package static let moduleSVN: UInt8 = 5
    /// TEE_TCB_SVN: module's ISVSVN and major version, then the SEAM loader.
    package static let upToDateTCB: [UInt8] = [moduleSVN, 1, 4] + .zeros(13)
    package static let formerTCB: [UInt8] = [moduleSVN - 2, 1, 2] + .zeros(13)
    /// SEPT_VE_DISABLE, bit 28.
    package static let attributes: UInt64 = 1 << 28

    /// A TD without debug whose EPT violations are not turned into exceptions, under an up-to-date module.
    ///
    /// - Parameter is15: with the members that TD 1.5 adds.
    package static func body(_ program: AttestedProgram, is15: Bool) -> [UInt8] {
        typealias Layout = TDReport.Layout
        var body = [UInt8].zeros(is15 ? Layout.extendedByteCount : Layout.byteCount)
        body.put(upToDateTCB, at: Layout.teeTCBSVN)
        body.put(Digest(of: "cloister simulated TDX module").bytes + .zeros(16), at: Layout.mrSeam)
        body.put(attributes, at: Layout.tdAttributes)
        body.put(UInt64(0xe7), at: Layout.xfam)
        body.put(program.measurement, at: Layout.mrTD)
        body.put(program.hostData, at: Layout.mrConfigID)
        body.put(program.reportData, at: Layout.reportData)
        if is15 { body.put(upToDateTCB, at: Layout.teeTCBSVN2) }
        return body
    }
}
