package import Encoding
package import Evidence

/// One thing that a vendor publishes, as exact bytes, with the certificates that prove it.
package struct CollateralItem: Hashable, Sendable {
    package let request: CollateralRequest
    /// Intel's documents: the answer as it came. Certificates and lists: DER. Chains: PEM as it came.
    package let content: [UInt8]
    /// PEM of the issuers up to the root; empty where the content is the chain.
    package let issuers: String

    package init(request: CollateralRequest, content: [UInt8], issuers: String) {
        self.request = request
        self.content = content
        self.issuers = issuers
    }

    /// An item that was proven, taken apart.
    package struct Proven: Sendable {
        package let item: CollateralItem
        package let publication: Publication
        /// For Intel's documents.
        let document: SignedDocument?
    }

    /// Proves form, signatures up to a root in `anchors`, and that the content is what the request asks for.
    ///
    /// - Throws: `collateral-invalid`.
    package func proven(_ anchors: TrustAnchors) throws(Refusal) -> Proven {
        var document: SignedDocument?
        let publication: Publication
        switch request {
        case .tcbInfo(let family, let fmspc, _):
            let signed = try SignedDocument(content, member: "tcbInfo")
            document = signed
            publication = try .tcbInfo(
                signed.text, signature: signed.signature, issuers: issuers, tee: family.tee, fmspc: fmspc,
                anchors: anchors)
        case .qeIdentity(let family, _):
            let signed = try SignedDocument(content, member: "enclaveIdentity")
            document = signed
            publication = try .qeIdentity(
                signed.text, signature: signed.signature, issuers: issuers, tee: family.tee, anchors: anchors)
        case .pckRevocationList(let ca):
            publication = try .pckRevocationList(content, issuers: issuers, ca: ca.rawValue, anchors: anchors)
        case .rootRevocationList:
            publication = try .rootRevocationList(content, issuers: issuers, anchors: anchors)
        case .endorsement(let product, let chipID, let tcb):
            publication = try .endorsement(
                content, issuers: issuers, product: product, chipID: chipID, tcb: tcb, anchors: anchors)
        case .endorsementIssuers(let product, let kind):
            publication = try .endorsementIssuers(
                try chain(), product: product, key: kind == .vlek ? .vlek : .vcek, anchors: anchors)
        case .endorsementRevocationList(let product, _):
            publication = try .endorsementRevocationList(
                content, issuers: issuers, product: product, anchors: anchors)
        }
        return Proven(item: self, publication: publication, document: document)
    }

    /// The content of `endorsementIssuers`.
    func chain() throws(Refusal) -> String {
        guard let text = String(validating: content, as: UTF8.self) else {
            throw Refusal(.collateralInvalid, "the certificate chain is not text")
        }
        return text
    }
}

extension CollateralRequest.Family {
    var tee: TEE {
        switch self {
        case .sgx: .sgx
        case .tdx: .tdx
        }
    }
}
