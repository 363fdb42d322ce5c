import Crypto
import Encoding

/// The claims of an SGX quote.
///
/// - Source: `attestation-api.md` section 9.2.
enum SGXClaims {
    static func of(_ report: SGXReport, input: ArraySlice<UInt8>, collateral: DCAPCollateral?) -> [String: JSON] {
        var claims: [String: JSON] = [:]
        claims.reserveCapacity(12)
        claims["x-ms-sgx-is-debuggable"] = .bool(report.attributes.contains(.debug))
        claims["x-ms-sgx-mrenclave"] = .string(Hex.encode(report.mrEnclave))
        claims["x-ms-sgx-mrsigner"] = .string(Hex.encode(report.mrSigner))
        claims["x-ms-sgx-product-id"] = .integer(Int64(report.productID))
        claims["x-ms-sgx-svn"] = .integer(Int64(report.svn))
        claims["x-ms-sgx-report-data"] = .string(Hex.encode(report.reportData))
        if report.attributes.contains(.keySeparationAndSharing) {
            claims["x-ms-sgx-config-id"] = .string(Hex.encode(report.configID))
            claims["x-ms-sgx-config-svn"] = .integer(Int64(report.configSVN))
            claims["x-ms-sgx-isv-extended-product-id"] = .string(Hex.encode(report.extendedProductID))
            claims["x-ms-sgx-isv-family-id"] = .string(Hex.encode(report.familyID))
        }
        if let collateral {
            let hashes = collateralHashes(collateral.hashes, quote: SHA256.hash(data: input))
            claims["x-ms-sgx-collateral"] = hashes
            claims["maa-attestationcollateral"] = hashes
        }
        return claims
    }

    private static func collateralHashes(_ hashes: DCAPCollateral.Hashes, quote: SHA256Digest) -> JSON {
        func hex(_ hash: SHA256Digest) -> JSON { .string(Hex.encode(hash)) }
        return [
            "quotehash": hex(quote), "qeidhash": hex(hashes.qeIdentity),
            "qeidcertshash": hex(hashes.qeIdentityIssuerChain), "qeidcrlhash": hex(hashes.rootCACRL),
            "tcbinfohash": hex(hashes.tcbInfo), "tcbinfocertshash": hex(hashes.tcbInfoIssuerChain),
            "tcbinfocrlhash": hex(hashes.rootCACRL),
        ]
    }

    /// What whoever started the enclave chose; see `Verdict.hostData`.
    static func hostData(_ report: SGXReport) -> [UInt8] {
        guard report.attributes.contains(.keySeparationAndSharing) else { return [] }
        let id = report.configID
        return Array(id.dropFirst(32).isZero ? id.prefix(32) : id)
    }
}
