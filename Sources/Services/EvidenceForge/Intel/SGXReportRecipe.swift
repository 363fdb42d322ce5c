import Encoding
import Evidence

/// The body of an SGX report, of an enclave and of the quoting enclave.
///
/// - Source: Intel SDM volume 3D, REPORT structure; evidence page section 1.3.
package enum SGXReportRecipe {
    /// MRSIGNER of every simulated enclave: nobody signs them.
    package static let enclaveSigner = Digest(of: "cloister simulated signer").bytes
    /// XFRM of an enclave with AVX-512.
    private static let xfrm: UInt64 = 0xe7

    /// An enclave of product 1 and version 1, with key separation and sharing, not debuggable.
    package static func enclave(_ program: AttestedProgram, cpuSVN: [UInt8]) -> [UInt8] {
        typealias Layout = SGXReport.Layout
        var report = report(cpuSVN, [.initialised, .mode64Bit, .keySeparationAndSharing])
        report.put(program.measurement, at: Layout.mrEnclave)
        report.put(enclaveSigner, at: Layout.mrSigner)
        report.put(program.hostData, at: Layout.configID)
        report.put(UInt16(1), at: Layout.productID)
        report.put(UInt16(1), at: Layout.svn)
        report.put(program.reportData, at: Layout.reportData)
        return report
    }

    /// The quoting enclave, without the report data that binds its attestation key.
    package static func quotingEnclave(_ enclave: QuotingEnclave, cpuSVN: [UInt8]) -> [UInt8] {
        typealias Layout = SGXReport.Layout
        var report = report(cpuSVN, [.initialised, .mode64Bit, .provisionKey])
        report.put(Digest(of: "cloister simulated quoting enclave").bytes, at: Layout.mrEnclave)
        report.put(enclave.signer, at: Layout.mrSigner)
        report.put(enclave.product, at: Layout.productID)
        report.put(enclave.svn, at: Layout.svn)
        return report
    }

    private static func report(_ cpuSVN: [UInt8], _ attributes: SGXReport.Attributes) -> [UInt8] {
        typealias Layout = SGXReport.Layout
        var report = [UInt8].zeros(Layout.byteCount)
        report.put(cpuSVN, at: Layout.cpuSVN)
        report.put(attributes.rawValue, at: Layout.attributes)
        report.put(xfrm, at: Layout.attributes + 8)
        return report
    }
}
