import AttestationToken
package import Attester
import Crypto
import CryptoExtras
package import Encoding
import KeyRelease

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Wraps keys of image layers to a public key, and unwraps them with the private key that a vault releases.
///
/// The messages are those of the key provider protocol of encrypted images; names are compared as the sidecars page
/// says (section 7).
package struct ImageKeyProvider: Sendable {
    /// What a wrapped key carries, so that it can be unwrapped later.
    struct Annotation {
        var kid: String
        var wrapped: [UInt8]
        var vault: String
        var attestation: String

        init(kid: String, wrapped: [UInt8], vault: String, attestation: String) {
            self.kid = kid
            self.wrapped = wrapped
            self.vault = vault
            self.attestation = attestation
        }

        init(_ json: JSON) throws(Refusal) {
            guard let kid = json["kid"]?.string, let vault = json["kms_endpoint"]?.string,
                let attestation = json["attester_endpoint"]?.string,
                let wrapped = json["wrapped_data"]?.string.flatMap({ Base64.decode($0, .padded) })
            else { throw Refusal(.requestMalformed, "the annotation lacks kid, wrapped_data or an endpoint") }
            self.init(kid: kid, wrapped: wrapped, vault: vault, attestation: attestation)
        }

        var json: JSON {
            let members: [String: String] = [
                "kid": kid, "wrapped_data": Base64.encodeStandard(wrapped), "wrap_type": "rsa_3072",
                "kms_endpoint": vault, "attester_endpoint": attestation,
            ]
            return .object(members.filter { !$0.value.isEmpty }.mapValues(JSON.string))
        }
    }

    private let files: AttestationFiles

    /// The name by which clients choose this provider, without regard to case.
    private static let name = "skr"
    private static let maximumBytes = 1 << 20

    package init(files: AttestationFiles = .system) {
        self.files = files
    }

    /// The output for a wrap input, both JSON.
    ///
    /// - Throws: `request-malformed`, `key-invalid`, `not-found` for files that are not there.
    func wrap(_ input: [UInt8]) throws(Refusal) -> JSON {
        let json = try Self.parse(input, operation: "keywrap")
        let parameters = json["keywrapparams"]
        let words = try Self.provider(parameters?["ec"]?["Parameters"]).split(separator: ":", maxSplits: 1)
        guard words.count == 2, let data = parameters?["optsdata"]?.string.flatMap({ Base64.decode($0, .padded) })
        else { throw Refusal(.requestMalformed, "keywrapparams lacks a key path or optsdata") }
        let annotation = try annotation(for: data, keyPath: String(words[1]))
        return [
            "keywrapresults": ["annotation": .string(Base64.encodeStandard(annotation.json.canonical))],
            "keyunwrapresults": ["optsdata": .null],
        ]
    }

    /// The output for an unwrap input; the vault releases the private key.
    func unwrap(_ input: [UInt8], by releaser: KeyReleaser) async throws(Refusal) -> JSON {
        let json = try Self.parse(input, operation: "keyunwrap")
        let parameters = json["keyunwrapparams"]
        _ = try Self.provider(parameters?["dc"]?["Parameters"])
        guard let bytes = parameters?["annotation"]?.string.flatMap({ Base64.decode($0, .padded) }),
            let inner = try? JSON.parse(bytes)
        else { throw Refusal(.requestMalformed, "keyunwrapparams lacks an annotation") }
        let annotation = try Annotation(inner)
        let wish = KeyReleaser.Wish(
            attestation: try ServiceEndpoint(annotation.attestation), vault: try ServiceEndpoint(annotation.vault),
            key: annotation.kid, accessToken: nil)
        let released = try await releaser.answer(wish)
        let data = try released.material.withBytes { der throws(Refusal) in
            guard let key = try? _RSA.Encryption.PrivateKey(derRepresentation: der),
                let data = try? key.decrypt(annotation.wrapped, padding: .PKCS1_OAEP_SHA256)
            else { throw Refusal(.recordAuthentication, "the wrapped data does not open with the released key") }
            return [UInt8](data)
        }
        return [
            "keywrapresults": ["annotation": .null],
            "keyunwrapresults": ["optsdata": .string(Base64.encodeStandard(data))],
        ]
    }

    /// Wraps without a server: base64 of the annotation for the content of a file.
    ///
    /// - Throws: as `wrap`.
    package func annotationText(for data: [UInt8], keyPath: String) throws(Refusal) -> String {
        Base64.encodeStandard(try annotation(for: data, keyPath: keyPath).json.canonical)
    }

    private func annotation(for data: [UInt8], keyPath: String) throws(Refusal) -> Annotation {
        let content = try read(keyPath + "-info.json")
        let info: JSON
        do throws(JSON.ParseError) { info = try JSON.parse(content) } catch {
            throw Refusal(.requestMalformed, "the key's info file is not JSON: \(error)")
        }
        guard let path = info["public_key_path"]?.string else {
            throw Refusal(.requestMalformed, "the key's info file names no public key")
        }
        let pem = String(decoding: try read(path), as: UTF8.self)
        guard let key = try? _RSA.Encryption.PublicKey(pemRepresentation: pem) else {
            throw Refusal(.keyInvalid, "the public key is no RSA key in PEM")
        }
        guard let wrapped = try? key.encrypt(data, padding: .PKCS1_OAEP_SHA256) else {
            throw Refusal(.keyInvalid, "the data is too long for the public key")
        }
        return Annotation(
            kid: keyPath.split(separator: "/").last.map(String.init) ?? keyPath, wrapped: [UInt8](wrapped),
            vault: info["kms_endpoint"]?.string ?? "", attestation: info["attester_endpoint"]?.string ?? "")
    }

    private func read(_ path: String) throws(Refusal) -> [UInt8] {
        do throws(SystemError) { return try files.read(path) } catch {
            throw Refusal(.notFound, "a file of the key cannot be read (\(error))")
        }
    }

    private static func parse(_ input: [UInt8], operation: String) throws(Refusal) -> JSON {
        guard input.count <= maximumBytes, let json = try? JSON.parse(input) else {
            throw Refusal(.requestMalformed, "the key provider input is not JSON")
        }
        guard json["op"]?.string == operation else {
            throw Refusal(.requestMalformed, "the key provider input is not of the operation \(operation)")
        }
        return json
    }

    /// The first parameter for this agent, decoded: `skr`, or `skr:` and a key path.
    private static func provider(_ parameters: JSON?) throws(Refusal) -> String {
        guard let text = parameters?["attestation-agent"]?.array?.first?.string,
            let bytes = Base64.decode(text, .padded), let parameter = String(validating: bytes, as: UTF8.self),
            parameter.split(separator: ":", omittingEmptySubsequences: false).first?.lowercased() == name
        else { throw Refusal(.requestMalformed, "the parameters name no key provider skr") }
        return parameter
    }
}
