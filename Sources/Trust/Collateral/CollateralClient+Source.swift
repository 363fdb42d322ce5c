package import Encoding
package import Evidence

// What evidence needs, put together from items.
extension CollateralClient {
    package func dcap(
        tee: TEE, fmspc: [UInt8], ca: String, at time: Timestamp
    ) async throws(Refusal) -> DCAPCollateral {
        guard let family = CollateralRequest.Family(rawValue: tee.rawValue), fmspc.count == 6,
            let authority = CollateralRequest.PCKAuthority(rawValue: ca)
        else { throw Refusal(.collateralInvalid, "Intel publishes nothing for such a platform") }
        async let informed = outcome(.tcbInfo(family, fmspc: fmspc, services.update), at: time)
        async let identified = outcome(.qeIdentity(family, services.update), at: time)
        // The second list needs the first one's chain.
        let pck = await outcome(.pckRevocationList(authority), at: time)
        let root = await outcome(.rootRevocationList, at: time)
        let (tcbInfo, qeIdentity) = (try await informed.get(), try await identified.get())
        let (pckList, rootList) = (try pck.get(), try root.get())
        guard let info = tcbInfo.document, let identity = qeIdentity.document else {
            throw Refusal(.collateralInvalid, "Intel's documents are not signed")
        }
        return DCAPCollateral(
            pckCRLIssuerChain: pckList.item.issuers, rootCACRL: Hex.encode(rootList.item.content),
            pckCRL: Hex.encode(pckList.item.content), tcbInfoIssuerChain: tcbInfo.item.issuers, tcbInfo: info.text,
            tcbInfoSignature: info.signature, qeIdentityIssuerChain: qeIdentity.item.issuers,
            qeIdentity: identity.text, qeIdentitySignature: identity.signature)
    }

    package func snp(
        product: SNPProduct, chipID: [UInt8], tcb: SNPTCBVersion, at time: Timestamp
    ) async throws(Refusal) -> SNPCollateral {
        let hardwareID = Array(chipID.prefix(product.chipIDBytes))
        guard hardwareID.count == product.chipIDBytes, chipID.dropFirst(hardwareID.count).allSatisfy({ $0 == 0 }),
            hardwareID.contains(where: { $0 != 0 })
        else {
            throw Refusal(
                .collateralInvalid,
                "the report names no \(product.rawValue) chip, so that no VCEK can be found; "
                    + "a VLEK comes with the evidence")
        }
        let vcek = try await item(.endorsement(product, chipID: hardwareID, tcb: tcb), at: time).item
        return SNPCollateral(
            vek: PEM.encode(vcek.content, label: "CERTIFICATE"), chain: vcek.issuers,
            crl: try await list(product, .vcek, at: time))
    }

    package func snpCRL(
        product: String, kind: EndorsementKeyKind, at time: Timestamp
    ) async throws(Refusal) -> [UInt8]? {
        guard let product = SNPProduct(rawValue: product) else {
            throw Refusal(.collateralInvalid, "AMD publishes nothing for such a product")
        }
        return try await list(product, kind, at: time)
    }

    /// Nil where AMD is not asked, as on an Azure machine that reaches nothing but its host: what an absent list means
    /// is for the policy.
    private func list(
        _ product: SNPProduct, _ kind: EndorsementKeyKind, at time: Timestamp
    ) async throws(Refusal) -> [UInt8]? {
        do throws(Refusal) {
            return try await item(.endorsementRevocationList(product, kind), at: time).item.content
        } catch {
            if services.amd == nil, services.asksAzureInstance { return nil }
            throw error
        }
    }

    private func outcome(
        _ request: CollateralRequest, at time: Timestamp
    ) async -> Result<CollateralItem.Proven, Refusal> {
        do throws(Refusal) { return .success(try await item(request, at: time)) } catch { return .failure(error) }
    }
}
