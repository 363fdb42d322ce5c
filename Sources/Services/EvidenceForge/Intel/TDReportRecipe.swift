import Encoding

/// The body of a TD quote: the measurements of a trust domain.
///
/// - Source: Intel TDX DCAP Quoting Library API, TD quote body descriptors; evidence page section 1.3.
package enum TDReportRecipe {
    /// Offsets in bytes from the start of the body.
    package enum Layout {
        package static let tcbSVN = 0
        package static let moduleMeasurement = 16
        package static let moduleSigner = 64
        package static let moduleAttributes = 112
        package static let attributes = 120
        package static let xfam = 128
        package static let measurement = 136
        package static let configID = 184
        package static let owner = 232
        package static let ownerConfig = 280
        package static let runtimeMeasurements = 328
        package static let reportData = 520
        /// Bytes of a TD 1.0 body; a TD 1.5 body goes on.
        package static let byteCount = 584
        package static let tcbSVN2 = 584
        package static let serviceMeasurement = 600
        package static let byteCount15 = 648
    }

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
        var body = [UInt8].zeros(is15 ? Layout.byteCount15 : Layout.byteCount)
        body.put(upToDateTCB, at: Layout.tcbSVN)
        body.put(Digest(of: "cloister simulated TDX module").bytes + .zeros(16), at: Layout.moduleMeasurement)
        body.put(attributes, at: Layout.attributes)
        body.put(UInt64(0xe7), at: Layout.xfam)
        body.put(program.measurement, at: Layout.measurement)
        body.put(program.hostData, at: Layout.configID)
        body.put(program.reportData, at: Layout.reportData)
        if is15 { body.put(upToDateTCB, at: Layout.tcbSVN2) }
        return body
    }
}
