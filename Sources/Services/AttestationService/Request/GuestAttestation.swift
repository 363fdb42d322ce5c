import Encoding
import Evidence

/// What the guest library of an Azure confidential VM sends: hardware report, runtime data, TPM quote, event log, a key
/// to seal the answer for, and what the guest says about itself.
///
/// - Source: attestation API reference, section 7.6; strings are base64 of either alphabet.
struct GuestAttestation: Sendable {
    enum Hardware: Sendable {
        case snp(SNPEnvelope)
        /// A TD quote.
        case tdx([UInt8])
    }

    /// What the guest says about itself; nothing proves it.
    struct System: Sendable {
        let type: String
        let distribution: String
        let build: String
        let majorVersion: Int64
        let minorVersion: Int64
    }

    let protocolVersion: String
    let system: System
    let hardware: Hardware
    /// Values of SHA-256 registers by index.
    let registers: [Int: [UInt8]]
    /// Base64 strings by name, as sent; nothing binds them to the evidence.
    let clientPayload: [String: JSON]
    private let runtimeData: [UInt8]
    private let eventLog: [UInt8]
    private let quote: [UInt8]
    private let quoteSignature: [UInt8]
    private let attestationKeyArea: [UInt8]?
    private let keyArea: [UInt8]
    private let keyCertification: [UInt8]
    private let keySignature: [UInt8]

    /// - Throws: `evidence-malformed`; `evidence-chain` for certificates that are no chain.
    init(_ bytes: [UInt8]) throws(Refusal) {
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.evidenceMalformed, "attestationInfo is not JSON: \(error)")
        }
        do throws(Refusal) { self = try GuestAttestation(json: json) } catch {
            throw error.code == .requestMalformed ? Refusal(.evidenceMalformed, error.detail) : error
        }
    }

    private init(json: JSON) throws(Refusal) {
        let members = try LenientObject(json, "attestationInfo")
        protocolVersion = try members.string("AttestationProtocolVersion") ?? ""
        guard protocolVersion == "2.0" else {
            throw Refusal(.evidenceMalformed, "AttestationProtocolVersion is not 2.0")
        }
        system = try System(members)
        clientPayload = try Self.payload(members["ClientPayload"])
        eventLog = try members.required("TcgLogs")
        let tpm = try LenientObject(members["TpmInfo"] ?? .null, "TpmInfo")
        quote = try tpm.required("PcrQuote")
        quoteSignature = try tpm.required("PcrSignature")
        attestationKeyArea = try tpm.bytes("AikPub")
        registers = try Self.registers(tpm["PCRs"])
        keyArea = try tpm.required("EncKeyPub")
        keyCertification = try tpm.required("EncKeyCertifyInfo")
        keySignature = try tpm.required("EncKeyCertifyInfoSignature")
        let isolation = try LenientObject(members["IsolationInfo"] ?? .null, "IsolationInfo")
        let type = try isolation.string("Type") ?? ""
        guard type != "TrustedLaunch" else {
            throw Refusal(.evidenceMalformed, "a VM of type TrustedLaunch has no hardware report to judge")
        }
        let evidence = try LenientObject(isolation["Evidence"] ?? .null, "Evidence")
        runtimeData = try evidence.required("RunTimeData")
        let proof = try evidence.required("Proof")
        switch type {
        case "SevSnp": hardware = .snp(try SNPEnvelope(proof))
        case "Tdx": hardware = .tdx(proof)
        default: throw Refusal(.evidenceMalformed, "IsolationInfo has another type than SevSnp and Tdx")
        }
    }

    /// The same as evidence of an Azure confidential VM.
    ///
    /// The certificate of the attestation key is not looked at: it comes without its issuers, and the hardware's report
    /// binds the key.
    ///
    /// - Throws: `evidence-malformed`.
    func evidence() throws(Refusal) -> HCLEvidence {
        let quote = try HCLQuote(message: quote, anySignature: quoteSignature, registers: registers)
        switch hardware {
        case .snp(let envelope):
            return HCLEvidence(
                report: try HCLReport.bytes(snp: envelope.report, runtimeData: runtimeData), quote: quote,
                eventLog: eventLog)
        case .tdx(let tdQuote):
            return HCLEvidence(
                report: try HCLReport.bytes(tdx: try TDXQuote(tdQuote[...]), runtimeData: runtimeData), quote: quote,
                tdQuote: tdQuote, eventLog: eventLog)
        }
    }

    /// The key that the answer is sealed for.
    ///
    /// - Parameter key: the attestation key that the hardware's report binds.
    /// - Throws: `binding-mismatch` when the request names another attestation key, and as `TPMEncryptionKey`.
    func encryptionKey(certifiedBy key: PublicKey) throws(Refusal) -> TPMEncryptionKey {
        if let attestationKeyArea, !attestationKeyArea.isEmpty {
            guard try TPMPublicArea(sized: attestationKeyArea[...]).key.pin == key.pin else {
                throw Refusal(.bindingMismatch, "AikPub is not the key that the hardware's report binds")
            }
        }
        return try TPMEncryptionKey(
            area: keyArea, certifiedBy: keyCertification, signature: keySignature, of: key)
    }

    // MARK: Members

    /// An object of strings, `{}` or nothing.
    private static func payload(_ value: JSON?) throws(Refusal) -> [String: JSON] {
        guard let value else { return [:] }
        guard let object = value.object, object.values.allSatisfy({ $0.string != nil }) else {
            throw Refusal(.evidenceMalformed, "ClientPayload is not an object of strings")
        }
        return object
    }

    private static func registers(_ value: JSON?) throws(Refusal) -> [Int: [UInt8]] {
        var registers: [Int: [UInt8]] = [:]
        for element in value?.array ?? [] {
            let members = try LenientObject(element, "PCRs")
            guard let index = members["Index"]?.integer, (0..<24).contains(index),
                registers.updateValue(try members.required("Digest"), forKey: Int(index)) == nil
            else { throw Refusal(.evidenceMalformed, "PCRs has an element without a register of its own, 0 to 23") }
        }
        guard !registers.isEmpty else { throw Refusal(.evidenceMalformed, "PCRs is missing or empty") }
        return registers
    }
}

extension GuestAttestation.System {
    private static let maximumBytes = 256

    fileprivate init(_ members: LenientObject) throws(Refusal) {
        func text(_ name: String) throws(Refusal) -> String {
            let bytes = try members.bytes(name) ?? []
            guard let text = String(streamSafe: bytes.span), text.utf8.count <= Self.maximumBytes else {
                throw Refusal(.evidenceMalformed, "\(name) is not a short text")
            }
            return text
        }
        func number(_ name: String) throws(Refusal) -> Int64 {
            guard let value = members[name] else { return 0 }
            guard let number = value.integer ?? value.string.flatMap({ Int64($0) }) else {
                throw Refusal(.evidenceMalformed, "\(name) is not an integer")
            }
            return number
        }
        type = try text("OSType")
        distribution = try text("OSDistro")
        build = try text("OSBuild")
        majorVersion = try number("OSVersionMajor")
        minorVersion = try number("OSVersionMinor")
    }
}

extension LenientObject {
    fileprivate func required(_ name: String) throws(Refusal) -> [UInt8] {
        guard let bytes = try bytes(name), !bytes.isEmpty else {
            throw Refusal(.evidenceMalformed, "\(name) is missing or empty")
        }
        return bytes
    }
}
