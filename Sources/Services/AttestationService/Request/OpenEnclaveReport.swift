import Encoding

/// The report of the Open Enclave SDK: a header around an SGX quote.
///
/// - Source: attestation API reference, section 7.3.
struct OpenEnclaveReport: Sendable {
    let quote: [UInt8]

    private static let version: UInt32 = 1
    /// A report for other machines; local reports have type 1.
    private static let remote: UInt32 = 2

    /// - Throws: `evidence-malformed`.
    init(_ bytes: [UInt8]) throws(Refusal) {
        var reader = ByteReader(bytes)
        let version: UInt32 = try reader.littleEndian("report version")
        let type: UInt32 = try reader.littleEndian("report type")
        let length: UInt64 = try reader.littleEndian("report length")
        guard version == Self.version, type == Self.remote, length == UInt64(reader.remaining) else {
            throw Refusal(.evidenceMalformed, "the report is not an Open Enclave report around a quote")
        }
        quote = Array(reader.rest())
    }
}
