package import Encoding
import Evidence

/// The web services of Intel (PCS, PCCS), Azure (THIM) and AMD (KDS) over a simulated root, as a function from a request to
/// its answer, so that other verifiers can be pointed at it: any server can stand around it.
///
/// Everything published is dated from the beginning of the day (UTC), so that its bytes stay the same for a day.
///
/// - Source: Intel PCS API v4; Azure "Trusted Hardware Identity Management"; AMD VCEK specification 57230, "KDS interface".
package struct VendorEndpoints: Sendable {
    let keys: KeyRing
    private let issued: Timestamp

    /// - Parameter issued: first second of every certificate.
    package init(keys: KeyRing, issued: Timestamp) {
        self.keys = keys
        self.issued = issued
    }

    /// Answers a GET request.
    ///
    /// - Parameters:
    ///   - target: path and query as they stand in the request line.
    ///   - time: the moment of the request.
    /// - Throws: when the crypto library fails.
    package func answer(_ target: String, at time: Timestamp) throws -> EndpointAnswer {
        guard let request = EndpointRequest(target: target) else { return .badRequest }
        let dates = Dates(issued: issued, collateral: time - time.seconds % Dates.day)
        var path = request.path[...]
        // Azure's host has Intel's paths under its own.
        if path.starts(with: ["metadata", "THIM"]) {
            path = path.dropFirst(2)
            if path.elementsEqual(["amd", "certification"]) { return try instance(dates) }
        }
        switch (path.first, path.dropFirst().first) {
        case ("sgx", "certification"), ("tdx", "certification"): return try intel(Array(path), request, dates)
        case ("vcek", "v1"), ("vlek", "v1"): return try amd(Array(path), request, dates)
        case ("IntelSGXRootCA.der", nil): return try rootList(dates, isHexadecimal: false)
        default: return .notFound
        }
    }

    // MARK: Intel

    private func intel(_ path: [String], _ request: EndpointRequest, _ dates: Dates) throws -> EndpointAnswer {
        guard path.count >= 4, path[2] == "v4" else { return .notFound }
        let tee: TEE = path[0] == "tdx" ? .tdx : .sgx
        let dcap = try DCAPRecipe.standard(tee, keys: keys, dates: dates)
        switch Array(path[3...]) {
        case ["tcb"]:
            guard let fmspc = request.bytes("fmspc"), fmspc.count == 6 else { return .badRequest }
            guard fmspc == dcap.platform.fmspc else { return .notFound }
            let collateral = try dcap.issued().collateral
            return document(
                "tcbInfo", collateral.tcbInfo, collateral.tcbInfoSignature,
                issuers: ("tcb-info-issuer-chain", collateral.tcbInfoIssuerChain))
        case ["qe", "identity"]:
            let collateral = try dcap.issued().collateral
            return document(
                "enclaveIdentity", collateral.qeIdentity, collateral.qeIdentitySignature,
                issuers: ("sgx-enclave-identity-issuer-chain", collateral.qeIdentityIssuerChain))
        case ["pckcrl"]: return try pckList(request, dates)
        case ["rootcacrl"]: return try rootList(dates, isHexadecimal: true)
        case ["pckcert"]: return try pck(request, dates)
        case ["fmspcs"]: return try platforms(dates)
        default: return .notFound
        }
    }

    /// The document exactly as it was signed, and its signature.
    private func document(
        _ name: String, _ text: String, _ signature: String, issuers: (header: String, chain: String)
    ) -> EndpointAnswer {
        .content(
            Array("{\"\(name)\":\(text),\"signature\":\"\(signature)\"}".utf8), "application/json", issuers: issuers)
    }

    private func pckList(_ request: EndpointRequest, _ dates: Dates) throws -> EndpointAnswer {
        let tee: TEE
        switch request["ca"] {
        case "processor": tee = .sgx
        case "platform": tee = .tdx
        default: return .badRequest
        }
        let dcap = try DCAPRecipe.standard(tee, keys: keys, dates: dates)
        let list = try dcap.pckList.der()
        let issuers = ("sgx-pck-crl-issuer-chain", try dcap.authority.pem() + dcap.root.pem())
        switch request["encoding"] ?? "pem" {
        case "der": return .content(list, "application/pkix-crl", issuers: issuers)
        case "pem":
            return .content(Array(PEM.encode(list, label: "X509 CRL").utf8), "application/x-pem-file", issuers: issuers)
        default: return .badRequest
        }
    }

    /// - Parameter isHexadecimal: as a PCCS has it.
    private func rootList(_ dates: Dates, isHexadecimal: Bool) throws -> EndpointAnswer {
        let list = try DCAPRecipe.standard(.sgx, keys: keys, dates: dates).rootList.der()
        return isHexadecimal
            ? .content(Array(Hex.encode(list).utf8), "text/plain") : .content(list, "application/pkix-crl")
    }

    /// The PCK certificate of the platform with this CPUSVN, PCESVN and PCEID.
    private func pck(_ request: EndpointRequest, _ dates: Dates) throws -> EndpointAnswer {
        guard let cpuSVN = request.bytes("cpusvn"), let pceSVN = request.bytes("pcesvn"),
            let pceID = request.bytes("pceid")
        else { return .badRequest }
        for tee in [TEE.sgx, .tdx] {
            let dcap = try DCAPRecipe.standard(tee, keys: keys, dates: dates)
            let platform = dcap.platform
            let ownSVN: [UInt8] = .littleEndian(UInt16(truncatingIfNeeded: platform.pceSVN))
            guard cpuSVN == platform.cpuSVN, pceSVN == ownSVN, pceID == platform.pceID else { continue }
            var pck = dcap.pck
            pck.set(platform.certificateExtension)
            var answer = EndpointAnswer.content(
                Array(try pck.pem().utf8), "application/x-pem-file",
                issuers: ("sgx-pck-certificate-issuer-chain", try dcap.authority.pem() + dcap.root.pem()))
            answer.headers["sgx-tcbm"] = Hex.encode(cpuSVN + pceSVN)
            answer.headers["sgx-fmspc"] = Hex.encode(platform.fmspc).uppercased()
            answer.headers["sgx-pck-certificate-ca-type"] = tee == .tdx ? "platform" : "processor"
            return answer
        }
        return .notFound
    }

    private func platforms(_ dates: Dates) throws -> EndpointAnswer {
        let list = try [(TEE.sgx, "client"), (.tdx, "E5")].map { tee, kind in
            let fmspc = try DCAPRecipe.standard(tee, keys: keys, dates: dates).platform.fmspc
            return JSON.object(["fmspc": .string(Hex.encode(fmspc).uppercased()), "platform": .string(kind)])
        }
        return .content(JSON.array(list).canonical, "application/json")
    }
}
