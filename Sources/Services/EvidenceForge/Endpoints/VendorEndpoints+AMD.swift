import Encoding
import Evidence

// AMD's key distribution service, and Azure's answer in its place.
extension VendorEndpoints {
    /// - Parameter path: kind of key, version, product, and what is asked for.
    func amd(_ path: [String], _ request: EndpointRequest, _ dates: Dates) throws -> EndpointAnswer {
        guard path.count == 4, let product = SNPProduct(rawValue: path[2]) else { return .notFound }
        let chip = try chip(product, path[0] == "vlek" ? .vlek : .vcek, dates)
        switch path[3] {
        case "cert_chain": return .content(Array(try chip.issuers().utf8), "application/x-pem-file")
        case "crl": return .content(try chip.list?.der() ?? [], "application/pkix-crl")
        default:
            guard path[0] == "vcek" else { return .notFound }
            return try endorsement(chip, product, hardwareID: path[3], request)
        }
    }

    /// The VCEK of the one chip of a product that is simulated, at the one TCB that it has.
    private func endorsement(
        _ chip: SNPRecipe, _ product: SNPProduct, hardwareID: String, _ request: EndpointRequest
    ) throws -> EndpointAnswer {
        guard let hardwareID = Hex.decode(hardwareID), let bootLoader = request.number("blSPL"),
            let tee = request.number("teeSPL"), let snp = request.number("snpSPL"),
            let microcode = request.number("ucodeSPL"), let fmc = product == .turin ? request.number("fmcSPL") : 0
        else { return .badRequest }
        let tcb = SNPTCBVersion(fmc: fmc, bootLoader: bootLoader, tee: tee, snp: snp, microcode: microcode)
        guard hardwareID == chip.endorsement.hardwareID, tcb == chip.endorsement.tcb else { return .notFound }
        return .content(try chip.endorsedLeaf.der(), "application/pkix-cert")
    }

    /// What Azure's host gives a VM about its own chip.
    func instance(_ dates: Dates) throws -> EndpointAnswer {
        let chip = try chip(.milan, .vcek, dates)
        // Big-endian, whereas the report has it the other way round.
        let tcb = chip.endorsement.tcb.bytes(product: .milan).reversed()
        let json: JSON = [
            "vcekCert": .string(try chip.endorsedLeaf.pem()), "certificateChain": .string(try chip.issuers()),
            "tcbm": .string(Hex.encode(Array(tcb)).uppercased()), "cacheControl": "86400",
        ]
        return .content(json.canonical, "application/json")
    }

    private func chip(_ product: SNPProduct, _ kind: SNPReport.SigningKey, _ dates: Dates) throws -> SNPRecipe {
        let nobody = AttestedProgram(measurement: .zeros(48), hostData: .zeros(32), reportData: .zeros(64))
        return try .standard(
            product, kind, version: 3, program: nobody, keys: keys, dates: dates, at: dates.collateral)
    }
}
