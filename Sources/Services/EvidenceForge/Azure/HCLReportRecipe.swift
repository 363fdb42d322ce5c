import Crypto
import CryptoExtras
package import Encoding

/// What the paravisor of an Azure confidential VM writes around the hardware's report, as it will be made.
///
/// - Source: TPM non-volatile index 0x01400001; evidence page section 1.4.
package struct HCLReportRecipe: Sendable {
    package var magic = Array("HCLA".utf8)
    package var headerVersion: UInt32 = 2
    package var requestType: UInt32 = 2
    package var status: UInt32 = 0
    package var reserved = [UInt8].zeros(12)
    package var dataVersion: UInt32 = 1
    /// 2 for SNP, 4 for TDX.
    package var reportType: UInt32
    /// 1, 2 and 3 for SHA-256, SHA-384 and SHA-512.
    package var hashType: UInt32 = 1
    /// Lengths other than the right ones.
    package var size: UInt32?
    package var dataSize: UInt32?
    package var runtimeLength: UInt32?
    package var runtime: [String: JSON]
    /// Changes the runtime data before it is hashed.
    package var rewrite: (@Sendable (String) -> String)?
    /// Changes the runtime data afterwards.
    package var replace: (@Sendable (String) -> String)?
    /// Length of the whole area, which zeros fill up.
    package var byteCount = 2_600

    /// The runtime data as it is hashed.
    var hashedRuntime: String {
        let text = JSON.object(runtime).text
        return rewrite?(text) ?? text
    }

    /// What the hardware's report data is: the digest, then zeros.
    var binding: [UInt8] {
        let content = Array(hashedRuntime.utf8)
        let digest: [UInt8] =
            switch hashType {
            case 2: Array(SHA384.hash(data: content))
            case 3: Array(SHA512.hash(data: content))
            default: Array(SHA256.hash(data: content))
            }
        return digest + .zeros(64 - digest.count)
    }

    /// - Parameter hardware: the report, of at most 1,184 bytes.
    func report(hardware: [UInt8]) -> [UInt8] {
        let content = Array((replace?(hashedRuntime) ?? hashedRuntime).utf8)
        let right = UInt32(content.count)
        var report = magic + .littleEndian(headerVersion) + .littleEndian(size ?? right + 1_236)
        report += .littleEndian(requestType) + .littleEndian(status) + reserved
        report += hardware + .zeros(max(0, 1_184 - hardware.count))
        report += .littleEndian(dataSize ?? right + 20) + .littleEndian(dataVersion) + .littleEndian(reportType)
        report += .littleEndian(hashType) + .littleEndian(runtimeLength ?? right) + content
        return report + .zeros(max(0, byteCount - report.count))
    }

    /// Runtime data that names an attestation key, and an endorsement key that nobody has.
    package static func standard(
        reportType: UInt32, attestationKey: SigningKey, keys: KeyRing
    ) throws -> HCLReportRecipe {
        var endorsement = keys.bytes("azure/endorsement-key", 256)
        endorsement[0] |= 0x80
        return HCLReportRecipe(
            reportType: reportType,
            runtime: [
                "keys": [
                    jwk("HCLAkPub", "sign", modulus: try attestationKey.modulus()),
                    jwk("HCLEkPub", "encrypt", modulus: endorsement),
                ],
                "vm-configuration": [
                    "console-enabled": false, "secure-boot": true, "tpm-enabled": true, "tpm-persisted": true,
                    "vmUniqueId": "C0FFEE00-0000-4000-8000-000000000001",
                ],
                "user-data": .string(String(repeating: "0", count: 128)),
            ])
    }

    package static func jwk(_ name: String, _ operation: String, modulus: [UInt8]) -> JSON {
        [
            "kid": .string(name), "key_ops": [.string(operation)], "kty": "RSA", "e": "AQAB",
            "n": .string(Base64.encodeURL(modulus)),
        ]
    }
}

extension SigningKey {
    /// The modulus of an RSA key, big-endian; empty for others.
    package func modulus() throws -> [UInt8] {
        switch kind {
        case .pss(let key), .pkcs1(let key): Array(try key.publicKey.getKeyPrimitives().modulus)
        case .p256, .p384: []
        }
    }
}
