import Crypto
import Encoding
package import Evidence

/// What the simulated vendors publish at one moment: TCB information, identities and revocation lists, for 30 days.
package struct PublishedCollateral: Sendable {
    package let sgx: DCAPCollateral
    package let snp: SNPCollateral
    /// Revocation lists in DER, one for each root of AMD's.
    package let snpLists: [SNPProduct: [UInt8]]
    /// FMSPC of the simulated machine: six bytes that name the SGX collateral.
    package let fmspc: [UInt8]
    private let issued: Timestamp

    /// Seconds for which everything is valid.
    package static let validity: Int64 = 30 * 86_400
    /// Seconds after which it is made anew: well ahead of its end, as relying parties cache it.
    package static let renewal: Int64 = 10 * 86_400
    /// Issue dates lie this many seconds back, for verifiers whose clocks do.
    private static let backdating: Int64 = 300

    /// - Throws: when the crypto library fails.
    init(root: DevelopmentRoot, at time: Timestamp) throws {
        issued = time
        fmspc = SimulatedPlatform.SGX.fmspc
        let start = time - Self.backdating
        let end = start + Self.validity
        sgx = try SGXCollateralIssuer(root: root, start: start, end: end).collateral()
        var lists: [SNPProduct: [UInt8]] = [:]
        for (product, ark) in root.arks {
            lists[product] = try RevocationListTemplate(
                issuer: RootCertifier.arkName(product), issuerPublicKeyInfo: ark.key.subjectPublicKeyInfo,
                thisUpdate: start, nextUpdate: end
            ).signed(by: ark.key)
        }
        snpLists = lists
        let product = SimulatedPlatform.SNP.product
        let chain = [root.ask.certificate, root.arks[product]?.certificate ?? []]
            .map { PEM.encode($0, label: "CERTIFICATE") }.joined()
        snp = SNPCollateral(
            vek: PEM.encode(root.vcekCertificate, label: "CERTIFICATE"), chain: chain, crl: lists[product])
    }

    /// Whether it need not be renewed yet.
    func isFresh(at time: Timestamp) -> Bool {
        time >= issued - Self.backdating && time - issued < Self.renewal
    }
}

/// Issues collateral in the form of Intel's provisioning certification service (PCS API v4).
private struct SGXCollateralIssuer {
    let root: DevelopmentRoot
    let start: Timestamp
    let end: Timestamp

    private static let evaluationNumber: Int64 = 17

    func collateral() throws -> DCAPCollateral {
        let signingChain = chain(root.tcbSigning)
        let information = tcbInfo.text
        let identity = quotingEnclaveIdentity.text
        return DCAPCollateral(
            pckCRLIssuerChain: chain(root.processorAuthority),
            rootCACRL: Hex.encode(try list("SGX Root CA", root.sgxRoot)),
            pckCRL: Hex.encode(try list("SGX PCK Processor CA", root.processorAuthority)),
            tcbInfoIssuerChain: signingChain, tcbInfo: information, tcbInfoSignature: try signature(information),
            qeIdentityIssuerChain: signingChain, qeIdentity: identity, qeIdentitySignature: try signature(identity))
    }

    private func chain(_ holder: DevelopmentRoot.Holder) -> String {
        PEM.encode(holder.certificate, label: "CERTIFICATE")
            + PEM.encode(root.sgxRoot.certificate, label: "CERTIFICATE")
    }

    private func list(_ name: String, _ holder: DevelopmentRoot.Holder) throws -> [UInt8] {
        try RevocationListTemplate(
            issuer: RootCertifier.sgxName(name), issuerPublicKeyInfo: holder.key.subjectPublicKeyInfo,
            thisUpdate: start, nextUpdate: end
        ).signed(by: holder.key)
    }

    /// r and s in hexadecimal over the exact bytes of `text`.
    private func signature(_ text: String) throws -> String {
        guard case .p256(let key) = root.tcbSigning.key else { throw CryptoKitError.incorrectParameterSize }
        return Hex.encode(try key.signature(for: Array(text.utf8)).rawRepresentation)
    }

    private var header: [String: JSON] {
        [
            "issueDate": .string(start.description), "nextUpdate": .string(end.description),
            "tcbEvaluationDataNumber": .integer(Self.evaluationNumber),
        ]
    }

    private var tcbInfo: JSON {
        let platform = SimulatedPlatform.SGX.self
        func level(_ components: [UInt8], pceSVN: UInt16, date: JSON, status: JSON) -> [String: JSON] {
            let svns = components.map { JSON.object(["svn": .integer(Int64($0))]) }
            let tcb: JSON = .object(["sgxtcbcomponents": .array(svns), "pcesvn": .integer(Int64(pceSVN))])
            return ["tcb": tcb, "tcbDate": date, "tcbStatus": status]
        }
        let current = level(
            platform.components, pceSVN: platform.pceSVN, date: "2024-03-13T00:00:00Z", status: "UpToDate")
        var former = level(
            platform.components.map { $0 == 255 ? 255 : $0 / 2 }, pceSVN: platform.pceSVN - 2,
            date: "2022-11-09T00:00:00Z", status: "OutOfDate")
        former["advisoryIDs"] = ["CLOISTER-SIMULATED-00001"]
        let members: [String: JSON] = [
            "id": "SGX", "version": 3, "fmspc": .string(Hex.encode(platform.fmspc).uppercased()),
            "pceId": .string(Hex.encode(platform.pceID)), "tcbType": 0,
            "tcbLevels": [.object(current), .object(former)],
        ]
        return .object(members.merging(header) { member, _ in member })
    }

    private var quotingEnclaveIdentity: JSON {
        let platform = SimulatedPlatform.SGX.self
        let level: JSON = [
            "tcb": ["isvsvn": .integer(Int64(platform.quotingEnclaveSVN))], "tcbDate": "2024-03-13T00:00:00Z",
            "tcbStatus": "UpToDate",
        ]
        let members: [String: JSON] = [
            "id": "QE", "version": 2, "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
            "attributes": "11000000000000000000000000000000", "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
            "mrsigner": .string(Hex.encode(platform.quotingEnclaveSigner).uppercased()),
            "isvprodid": .integer(Int64(platform.quotingEnclaveProduct)), "tcbLevels": [level],
        ]
        return .object(members.merging(header) { member, _ in member })
    }
}
