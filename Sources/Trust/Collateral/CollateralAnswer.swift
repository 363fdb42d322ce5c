import Encoding
import Evidence

/// What a service answered with status 200, brought into the one form of its kind.
struct CollateralAnswer {
    let content: [UInt8]
    /// Nil where the service does not send them along.
    let issuers: String?

    /// Longest issuer chain that a header may carry, in bytes before decoding.
    private static let maximumHeaderBytes = 65_536

    /// - Throws: `collateral-invalid` for a body of another form and for a missing issuer chain.
    init(_ request: CollateralRequest, _ response: CollateralResponse) throws(Refusal) {
        guard response.body.count <= CollateralResponse.maximumBytes else {
            throw Refusal(.collateralInvalid, "the answer is over \(CollateralResponse.maximumBytes) bytes")
        }
        switch request {
        case .tcbInfo:
            content = response.body
            // The second name is that of the older API, which caches still use.
            issuers = try Self.issuers(response, ["tcb-info-issuer-chain", "sgx-tcb-info-issuer-chain"])
        case .qeIdentity:
            content = response.body
            issuers = try Self.issuers(response, ["sgx-enclave-identity-issuer-chain"])
        case .pckRevocationList:
            content = try Self.der(response.body, label: "X509 CRL", "revocation list")
            issuers = try Self.issuers(response, ["sgx-pck-crl-issuer-chain"])
        case .rootRevocationList, .endorsementRevocationList:
            content = try Self.der(response.body, label: "X509 CRL", "revocation list")
            issuers = nil
        case .endorsement:
            if response.body.first(where: { !Self.isBlank($0) }) == UInt8(ascii: "{") {
                (content, issuers) = try Self.azureInstance(response.body)
            } else {
                content = try Self.der(response.body, label: "CERTIFICATE", "certificate")
                issuers = nil
            }
        case .endorsementIssuers:
            content = response.body
            issuers = ""
        }
    }

    /// The chain from a header, where it stands percent-encoded.
    private static func issuers(_ response: CollateralResponse, _ names: [String]) throws(Refusal) -> String {
        for name in names {
            guard let value = response.headers[name] else { continue }
            guard value.utf8.count <= maximumHeaderBytes, let text = percentDecoded(value) else {
                throw Refusal(.collateralInvalid, "the header \(name) is not a certificate chain")
            }
            return text
        }
        throw Refusal(.collateralInvalid, "the answer has no header \(names[0])")
    }

    /// DER as it is, one PEM block, or hexadecimal: PCS, THIM and PCCS each have their own way.
    private static func der(_ body: [UInt8], label: String, _ what: String) throws(Refusal) -> [UInt8] {
        if body.first == 0x30, body.count > 1, body[1] >= 0x80 { return body }
        if let text = String(validating: body, as: UTF8.self) {
            if let blocks = PEM.decode(text, label: label), blocks.count == 1 { return blocks[0] }
            if let der = Hex.decode(String(decoding: body.filter { !isBlank($0) }, as: UTF8.self)), !der.isEmpty {
                return der
            }
        }
        throw Refusal(.collateralInvalid, "the \(what) is neither DER nor PEM nor hexadecimal")
    }

    /// The JSON of Azure's host: the VCEK of this machine and its issuers, each in PEM.
    ///
    /// - Source: Azure instance metadata `THIM/amd/certification`; `evidence.md` section 1.2.
    private static func azureInstance(_ body: [UInt8]) throws(Refusal) -> ([UInt8], String?) {
        guard let json = try? JSON.parse(body), let vcek = json["vcekCert"]?.string,
            let chain = json["certificateChain"]?.string, let blocks = PEM.decode(vcek, label: "CERTIFICATE"),
            blocks.count == 1
        else { throw Refusal(.collateralInvalid, "the answer has no vcekCert with a certificateChain") }
        return (blocks[0], chain)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    /// Nil for a percent sign without two digits and for bytes that are not UTF-8.
    static func percentDecoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let value = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)), value.count == 1 else {
                return nil
            }
            bytes += value
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
