import Encoding

/// The claims of a Nitro document: names of our own, since the compatible API has none. Bytes are base64url, PCRs hex.
enum NitroClaims {
    static func of(_ document: NitroDocument) -> [String: JSON] {
        var pcrs: [String: JSON] = [:]
        for (index, value) in document.pcrs { pcrs[String(index)] = .string(Hex.encode(value)) }
        var claims: [String: JSON] = [
            "x-cloister-nitro-module-id": .string(document.moduleID),
            "x-cloister-nitro-digest": .string(NitroDocument.digest),
            "x-cloister-nitro-timestamp": .integer(document.milliseconds),
            "x-cloister-nitro-pcrs": .object(pcrs),
            "x-cloister-nitro-is-debuggable": .bool(document.isDebug),
        ]
        for (name, value) in [
            ("public-key", document.publicKey), ("user-data", document.userData), ("nonce", document.nonce),
        ] {
            if let value { claims["x-cloister-nitro-\(name)"] = .string(Base64.encodeURL(value)) }
        }
        return claims
    }
}
