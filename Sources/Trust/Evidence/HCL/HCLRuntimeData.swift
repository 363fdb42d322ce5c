public import Encoding

/// The JSON that an HCL report binds: keys of the virtual TPM, the VM's configuration, and data of its user.
///
/// - Source: `evidence.md` section 1.4.
public struct HCLRuntimeData: Sendable {
    /// Exactly as hashed.
    public let bytes: ArraySlice<UInt8>
    public let json: JSON
    /// The key with the identifier `HCLAkPub`.
    public let attestationKey: PublicKey

    /// - Throws: `evidence-malformed` for anything but a JSON object with one RSA key `HCLAkPub`.
    init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        self.bytes = bytes
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.evidenceMalformed, "HCL runtime data: \(error)")
        }
        let keys = (json["keys"]?.array ?? []).filter { $0["kid"]?.string == "HCLAkPub" }
        guard keys.count == 1, keys[0]["kty"]?.string == "RSA",
            let modulus = keys[0]["n"]?.string.flatMap({ Base64.decode($0) }),
            let exponent = keys[0]["e"]?.string.flatMap({ Base64.decode($0) })
        else { throw Refusal(.evidenceMalformed, "HCL runtime data: there is not one RSA key HCLAkPub") }
        attestationKey = try PublicKey(modulus: modulus, exponent: exponent)
    }

    /// Members of `vm-configuration`, for example `secure-boot`; none when the object is absent.
    public var configuration: [String: JSON] { json["vm-configuration"]?.object ?? [:] }

    /// What a program in the VM left in TPM index 0x01400002 before the report was made, 64 bytes; nil when absent.
    public var userData: [UInt8]? { json["user-data"]?.string.flatMap { Hex.decode($0) } }
}
