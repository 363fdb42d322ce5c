public import Encoding

/// A GPU's or a switch's signed report with its certificate chain, as NVIDIA's tools write them.
///
/// The JSON is an object, or an array with one, of `evidence` (the report: hex or base64), `certificate` (base64 of the
/// PEM chain) and, when it is there, `nonce` (hex). Nobody signs the rest, `arch` for example, and nothing is read from it:
/// claims come from report and certificates. The evidence of several devices is judged one device at a time.
///
/// - Source: NVIDIA attestation SDK, serialised evidence.
public struct NVIDIAEvidence: Hashable, Sendable {
    /// Largest JSON that is read.
    public static let maximumBytes = 1 << 18

    /// SPDM request and response, see `NVIDIAReport`.
    public let report: [UInt8]
    /// PEM, leaf first, root last.
    public let certificateChain: [UInt8]

    public init(report: [UInt8], certificateChain: [UInt8]) {
        self.report = report
        self.certificateChain = certificateChain
    }

    /// - Throws: `evidence-malformed`, also when the JSON names another nonce than the report.
    public init(parsing bytes: ArraySlice<UInt8>) throws(Refusal) {
        guard bytes.count <= NVIDIAEvidence.maximumBytes else {
            throw Refusal(.evidenceMalformed, "NVIDIA evidence has at most \(NVIDIAEvidence.maximumBytes) bytes")
        }
        var json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(Array(bytes)) } catch {
            throw Refusal(.evidenceMalformed, "NVIDIA evidence: \(error)")
        }
        if let devices = json.array {
            guard devices.count == 1 else {
                throw Refusal(
                    .evidenceMalformed, "NVIDIA evidence of \(devices.count) devices; each device is judged by itself")
            }
            json = devices[0]
        }
        guard let report = json["evidence"]?.string.flatMap({ Hex.decode($0) ?? Base64.decode($0, .padded) }) else {
            throw Refusal(.evidenceMalformed, "NVIDIA evidence: member evidence is neither hex nor base64")
        }
        guard let chain = json["certificate"]?.string.flatMap({ Base64.decode($0, .padded) }) else {
            throw Refusal(.evidenceMalformed, "NVIDIA evidence: member certificate is not base64")
        }
        self.init(report: report, certificateChain: chain)
        if let nonce = json["nonce"] {
            guard let nonce = nonce.string.flatMap({ Hex.decode($0) }), nonce.elementsEqual(NVIDIAReport.nonce(report))
            else { throw Refusal(.evidenceMalformed, "NVIDIA evidence: member nonce is not the report's") }
        }
    }

    /// The evidence bytes that `EvidenceVerifier` takes.
    public var json: JSON {
        [
            "evidence": .string(Base64.encodeStandard(report)),
            "certificate": .string(Base64.encodeStandard(certificateChain)),
        ]
    }
}
