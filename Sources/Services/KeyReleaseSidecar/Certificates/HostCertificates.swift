package import Encoding
package import Evidence

/// The certificates that a host has for its chip, and the TCB that they speak of.
package struct HostCertificates: Hashable, Sendable {
    /// PEM of the VCEK.
    package var vcek: String
    /// PEM of ASK, then ARK.
    package var chain: String
    /// REPORTED_TCB of the reports that these certificates endorse, read as a little-endian number.
    package var tcb: UInt64

    /// Longest THIM answer that is read, in bytes; real ones have some 7 KB.
    static let maximumBytes = 65_536

    package init(vcek: String, chain: String, tcb: UInt64) {
        self.vcek = vcek
        self.chain = chain
        self.tcb = tcb
    }

    /// Reads the answer of the local THIM service, which is also in the security context.
    ///
    /// - Throws: `collateral-invalid`.
    /// - Source: sidecars page section 2.
    package init(thim bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= Self.maximumBytes, let json = try? JSON.parse(bytes), let vcek = json["vcekCert"]?.string,
            let chain = json["certificateChain"]?.string,
            let tcb = json["tcbm"]?.string.flatMap({ UInt64($0, radix: 16) })
        else {
            throw Refusal(.collateralInvalid, "the host's certificates lack vcekCert, certificateChain or tcbm")
        }
        self.init(vcek: vcek, chain: chain, tcb: tcb)
    }

    /// What came with a report.
    init(_ collateral: SNPCollateral, of report: SNPReport) {
        self.init(vcek: collateral.vek, chain: collateral.chain, tcb: report.reportedTCBNumber)
    }

    /// PEM of VCEK, ASK and ARK.
    var pem: String { vcek + (vcek.hasSuffix("\n") ? "" : "\n") + chain }

    /// 16 upper-case hex digits, as THIM writes it.
    package var tcbText: String {
        let digits = String(tcb, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 16 - digits.count)) + digits
    }
}

extension SNPReport {
    /// REPORTED_TCB as one little-endian number, whatever its components mean on this product.
    package var reportedTCBNumber: UInt64 {
        let field = bytes.dropFirst(Layout.reportedTCB).prefix(8)
        return field.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
