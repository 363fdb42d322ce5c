public import Encoding

/// Evidence of an Azure confidential VM: the HCL report, a quote of the virtual TPM, and what endorses them.
///
/// Read in the forms that confidential-containers/trustee gave it: without a version, with byte strings as arrays of
/// numbers; and versions 1 and 2, with base64url and, inside the quote, hex. Written as version 1.
public struct HCLEvidence: Sendable {
    /// Longest evidence that is read.
    public static let maximumBytes = 1 << 20

    public var report: [UInt8]
    public var quote: HCLQuote
    /// DER of the VCEK, where the VM knows it. ASK and ARK have to come as collateral.
    public var vcek: [UInt8]?
    /// The quote that the host made of the TDREPORT; there is one on TDX.
    public var tdQuote: [UInt8]?
    /// Our own members: certificates of the attestation key, its own (as the TPM's memory holds it) to the root, in DER;
    /// and the firmware's event log.
    public var attestationKeyCertificates: [[UInt8]]
    public var eventLog: [UInt8]?

    public init(
        report: [UInt8], quote: HCLQuote, vcek: [UInt8]? = nil, tdQuote: [UInt8]? = nil,
        attestationKeyCertificates: [[UInt8]] = [], eventLog: [UInt8]? = nil
    ) {
        self.report = report
        self.quote = quote
        self.vcek = vcek
        self.tdQuote = tdQuote
        self.attestationKeyCertificates = attestationKeyCertificates
        self.eventLog = eventLog
    }

    /// Reads evidence that fills `bytes`.
    ///
    /// - Throws: `evidence-malformed` for a missing, unknown or wrongly encoded member.
    public init(parsing bytes: ArraySlice<UInt8>) throws(Refusal) {
        guard bytes.count <= HCLEvidence.maximumBytes else {
            throw Refusal(.evidenceMalformed, "HCL evidence of \(bytes.count) bytes is longer than any")
        }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.evidenceMalformed, "HCL evidence: \(error)")
        }
        var reader = try ObjectReader(json, "HCL evidence", refusing: .evidenceMalformed)
        if let version = reader.optional("version") {
            guard version == 1 || version == 2 else {
                throw Refusal(.evidenceMalformed, "HCL evidence of this version is not known")
            }
            try self.init(versioned: &reader)
        } else {
            try self.init(unversioned: &reader)
        }
        try reader.finish()
    }

    private init(versioned reader: inout ObjectReader) throws(Refusal) {
        func text(_ name: String, _ json: JSON) throws(Refusal) -> [UInt8] {
            // Written with and without padding by different programs.
            guard let bytes = json.string.flatMap({ Base64.decode($0, .lenient) }) else { throw Self.wrong(name) }
            return bytes
        }
        func hex(_ name: String, _ json: JSON) throws(Refusal) -> [UInt8] {
            guard let bytes = json.string.flatMap({ Hex.decode($0) }) else { throw Self.wrong(name) }
            return bytes
        }
        report = try text("hcl_report", try reader.value("hcl_report"))
        quote = try HCLQuote(json: try reader.value("tpm_quote"), bytes: hex)
        vcek = nil
        if let member = reader.optional("vcek") { vcek = try text("vcek", member) }
        tdQuote = nil
        if let member = reader.optional("td_quote") { tdQuote = try text("td_quote", member) }
        attestationKeyCertificates = []
        if reader.has("ak_certificates") {
            for member in try reader.array("ak_certificates") {
                attestationKeyCertificates.append(try text("ak_certificates", member))
            }
        }
        eventLog = nil
        if let member = reader.optional("event_log") { eventLog = try text("event_log", member) }
    }

    private init(unversioned reader: inout ObjectReader) throws(Refusal) {
        func numbers(_ name: String, _ json: JSON) throws(Refusal) -> [UInt8] {
            guard let array = json.array else { throw Self.wrong(name) }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(array.count)
            for element in array {
                guard let byte = element.integer.flatMap({ UInt8(exactly: $0) }) else { throw Self.wrong(name) }
                bytes.append(byte)
            }
            return bytes
        }
        // SNP and TDX evidence named the same things differently.
        report = try numbers("report", try reader.value(reader.has("report") ? "report" : "hcl_report"))
        quote = try HCLQuote(json: try reader.value(reader.has("quote") ? "quote" : "tpm_quote"), bytes: numbers)
        vcek = nil
        if reader.has("vcek") {
            let certificates = PEM.decode(try reader.string("vcek"), label: "CERTIFICATE") ?? []
            guard certificates.count == 1 else { throw Self.wrong("vcek") }
            vcek = certificates[0]
        }
        tdQuote = nil
        if let member = reader.optional("td_quote") { tdQuote = try numbers("td_quote", member) }
        attestationKeyCertificates = []
        eventLog = nil
    }

    fileprivate static func wrong(_ name: String) -> Refusal {
        Refusal(.evidenceMalformed, "HCL evidence: member \(name) is not encoded as its version says")
    }

    public var json: JSON {
        func text(_ bytes: [UInt8]) -> JSON { .string(Base64.encodeURL(bytes)) }
        func hex(_ bytes: [UInt8]) -> JSON { .string(Hex.encode(bytes)) }
        var members: [String: JSON] = [
            "version": 1, "hcl_report": text(report),
            "tpm_quote": [
                "message": hex(quote.message), "signature": hex(quote.signature), "pcrs": .array(quote.pcrs.map(hex)),
            ],
        ]
        if let vcek { members["vcek"] = text(vcek) }
        if let tdQuote { members["td_quote"] = text(tdQuote) }
        if !attestationKeyCertificates.isEmpty {
            members["ak_certificates"] = .array(attestationKeyCertificates.map(text))
        }
        if let eventLog { members["event_log"] = text(eventLog) }
        return .object(members)
    }

    /// - Throws: `evidence-malformed`, also when there is no TD quote.
    func readTDQuote() throws(Refusal) -> TDXQuote {
        guard let tdQuote else {
            throw Refusal(.evidenceMalformed, "evidence with an HCL report over TDX needs the TD quote")
        }
        return try TDXQuote(tdQuote[...])
    }

    /// Collateral of the embedded VCEK and what AMD publishes above it; nil when there is none embedded.
    ///
    /// - Parameters:
    ///   - chain: PEM of ASK, then ARK.
    ///   - crl: DER of the ARK's revocation list.
    public func collateral(chain: String, crl: [UInt8]? = nil) -> SNPCollateral? {
        vcek.map { SNPCollateral(vek: PEM.encode($0, label: "CERTIFICATE"), chain: chain, crl: crl) }
    }
}

extension HCLQuote {
    /// - Parameter bytes: how this version of the evidence writes byte strings.
    fileprivate init(
        json: JSON, bytes: (String, JSON) throws(Refusal) -> [UInt8]
    ) throws(Refusal) {
        var reader = try ObjectReader(json, "HCL evidence: TPM quote", refusing: .evidenceMalformed)
        message = try bytes("message", try reader.value("message"))
        signature = try bytes("signature", try reader.value("signature"))
        pcrs = []
        for value in try reader.array("pcrs") { pcrs.append(try bytes("pcrs", value)) }
        try reader.finish()
    }
}
