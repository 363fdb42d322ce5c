import Encoding
package import Evidence

/// One thing that a vendor publishes, by what it is about.
package enum CollateralRequest: Hashable, Sendable {
    case tcbInfo(Family, fmspc: [UInt8], TCBUpdate)
    case qeIdentity(Family, TCBUpdate)
    case pckRevocationList(PCKAuthority)
    case rootRevocationList
    /// A VCEK: hardware id of 64 bytes, for Turin 8.
    case endorsement(SNPProduct, chipID: [UInt8], tcb: SNPTCBVersion)
    /// ASK or ASVK, and the ARK.
    case endorsementIssuers(SNPProduct, EndorsementKeyKind)
    case endorsementRevocationList(SNPProduct, EndorsementKeyKind)

    /// Which of Intel's TEEs a document is for.
    package enum Family: String, Hashable, Sendable {
        case sgx, tdx
    }

    /// The CA that issues PCK certificates.
    package enum PCKAuthority: String, Hashable, Sendable {
        case processor, platform
    }

    /// When a new TCB counts: as soon as Intel publishes it, or after the time that it leaves to operators.
    package enum TCBUpdate: String, Hashable, Sendable {
        case standard, early
    }
}

// MARK: Path

extension CollateralRequest {
    /// Path and query at the vendor's service: what is asked for, what caches and bundles go by.
    ///
    /// The standard update is what services answer without the parameter, which older ones do not know.
    ///
    /// - Source: Intel PCS API v4 and PCCS; AMD VCEK specification 57230, section "KDS interface"; `evidence.md` 1.2.
    package var path: String {
        switch self {
        case .tcbInfo(let family, let fmspc, let update):
            "\(family.rawValue)/certification/v4/tcb?fmspc=\(Hex.encode(fmspc))"
                + (update == .early ? "&update=early" : "")
        case .qeIdentity(let family, let update):
            "\(family.rawValue)/certification/v4/qe/identity" + (update == .early ? "?update=early" : "")
        case .pckRevocationList(let ca): "sgx/certification/v4/pckcrl?ca=\(ca.rawValue)&encoding=der"
        case .rootRevocationList: "sgx/certification/v4/rootcacrl"
        case .endorsement(let product, let chipID, let tcb):
            "vcek/v1/\(product.rawValue)/\(Hex.encode(chipID))?"
                + (product == .turin ? "fmcSPL=\(tcb.fmc)&" : "")
                + "blSPL=\(tcb.bootLoader)&teeSPL=\(tcb.tee)&snpSPL=\(tcb.snp)&ucodeSPL=\(tcb.microcode)"
        case .endorsementIssuers(let product, let kind): "\(kind.rawValue)/v1/\(product.rawValue)/cert_chain"
        case .endorsementRevocationList(let product, let kind): "\(kind.rawValue)/v1/\(product.rawValue)/crl"
        }
    }

    /// Reads a path back; nil for anything that `path` does not write.
    package init?(path: String) {
        guard path.utf8.count <= 256, let request = CollateralRequest(lenient: path), request.path == path else {
            return nil
        }
        self = request
    }

    private init?(lenient path: String) {
        let halves = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = halves.first else { return nil }
        var parameters: [String: String] = [:]
        for pair in (halves.count > 1 ? halves[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else { return nil }
            parameters[String(sides[0])] = String(sides[1])
        }
        let parts = first.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 4 else { return nil }
        if parts[1] == "certification" {
            self.init(intel: parts, parameters)
        } else {
            self.init(amd: parts, parameters)
        }
    }

    private init?(intel parts: [String], _ parameters: [String: String]) {
        guard let family = Family(rawValue: parts[0]) else { return nil }
        let update: TCBUpdate = parameters["update"] == nil ? .standard : .early
        switch parts[3] {
        case "tcb":
            guard let fmspc = Hex.decode(parameters["fmspc"] ?? ""), fmspc.count == 6 else { return nil }
            self = .tcbInfo(family, fmspc: fmspc, update)
        case "qe": self = .qeIdentity(family, update)
        case "pckcrl":
            guard let ca = PCKAuthority(rawValue: parameters["ca"] ?? "") else { return nil }
            self = .pckRevocationList(ca)
        case "rootcacrl": self = .rootRevocationList
        default: return nil
        }
    }

    private init?(amd parts: [String], _ parameters: [String: String]) {
        guard let kind = EndorsementKeyKind(rawValue: parts[0]), let product = SNPProduct(rawValue: parts[2]) else {
            return nil
        }
        switch parts[3] {
        case "cert_chain": self = .endorsementIssuers(product, kind)
        case "crl": self = .endorsementRevocationList(product, kind)
        default:
            func number(_ name: String) -> UInt8? { parameters[name].flatMap { UInt8($0) } }
            guard let chipID = Hex.decode(parts[3]), chipID.count == product.chipIDBytes,
                let bootLoader = number("blSPL"), let tee = number("teeSPL"), let snp = number("snpSPL"),
                let microcode = number("ucodeSPL")
            else { return nil }
            self = .endorsement(
                product, chipID: chipID,
                tcb: SNPTCBVersion(
                    fmc: number("fmcSPL") ?? 0, bootLoader: bootLoader, tee: tee, snp: snp, microcode: microcode))
        }
    }
}

// MARK: Words

extension CollateralRequest {
    /// What it is, for people.
    package var what: String {
        switch self {
        case .tcbInfo(_, _, let update): update == .early ? "TCB info (early)" : "TCB info"
        case .qeIdentity(_, let update): update == .early ? "QE identity (early)" : "QE identity"
        case .pckRevocationList: "PCK revocation list"
        case .rootRevocationList: "root revocation list"
        case .endorsement: "VCEK"
        case .endorsementIssuers(_, let kind): kind == .vcek ? "ASK and ARK" : "ASVK and ARK"
        case .endorsementRevocationList(_, let kind): kind == .vcek ? "revocation list" : "revocation list (VLEK)"
        }
    }

    /// What it is for, for people.
    package var platform: String {
        switch self {
        case .tcbInfo(let family, let fmspc, _): "\(family.rawValue.uppercased()) \(Hex.encode(fmspc))"
        case .qeIdentity(let family, _): family.rawValue.uppercased()
        case .pckRevocationList(let ca): "SGX, TDX \(ca.rawValue) CA"
        case .rootRevocationList: "SGX, TDX"
        case .endorsement(let product, let chipID, _): "\(product.rawValue) \(Hex.encode(chipID.prefix(8)))"
        case .endorsementIssuers(let product, _), .endorsementRevocationList(let product, _): product.rawValue
        }
    }
}
