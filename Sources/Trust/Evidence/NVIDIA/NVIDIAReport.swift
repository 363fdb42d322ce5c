public import Encoding

/// An SPDM 1.1 measurement report of an NVIDIA GPU or switch, parsed but not verified: GET_MEASUREMENTS as it was asked,
/// then MEASUREMENTS as it was answered, with a signature over both.
///
/// - Source: DMTF DSP0274 1.1 sections GET_MEASUREMENTS and MEASUREMENTS; `evidence.md` section 1.6.
public struct NVIDIAReport: Sendable {
    /// Request and response.
    public let bytes: ArraySlice<UInt8>
    /// The 32 bytes that the verifier chose, from the request.
    public let nonce: ArraySlice<UInt8>
    /// The 32 bytes that the device added.
    public let deviceNonce: ArraySlice<UInt8>
    /// In the device's order; each index once.
    public let measurements: [SPDMMeasurement]
    /// The vendor's fields by type, see `Field`.
    public let fields: [UInt16: ArraySlice<UInt8>]
    let signature: ArraySlice<UInt8>

    /// The vendor's fields that this library names.
    ///
    /// - Source: NVIDIA attestation SDK, `GpuOpaqueDataType`.
    public enum Field: UInt16, Sendable {
        case driverVersion = 3
        case vbiosVersion = 6
        case chipSKU = 15
        case project = 17
        case projectSKU = 18
        /// SHA-384 of the firmware that the signing key belongs to, also in the leaf certificate.
        case firmwareID = 20
    }

    private static let requestBytes = 37
    private static let nonceOffset = 4
    private static let nonceBytes = 32
    private static let signatureBytes = 96

    /// The nonce's place in a report that was not parsed; empty when the report is too short.
    static func nonce(_ report: [UInt8]) -> ArraySlice<UInt8> {
        report.count < requestBytes ? [] : report[nonceOffset..<nonceOffset + nonceBytes]
    }

    /// Reads a report that fills `bytes`.
    ///
    /// - Throws: `evidence-malformed`.
    public init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        self.bytes = bytes
        var reader = ByteReader(bytes)
        // Version 1.1, GET_MEASUREMENTS, with a signature, all measurements.
        guard try reader.take(NVIDIAReport.nonceOffset, "request").elementsEqual([0x11, 0xe0, 0x01, 0xff]) else {
            throw Refusal(.evidenceMalformed, "the report does not begin with a signed SPDM 1.1 measurement request")
        }
        nonce = try reader.take(NVIDIAReport.nonceBytes, "request nonce")
        _ = try reader.uint8("request slot")
        guard try reader.take(2, "response").elementsEqual([0x11, 0x60]) else {
            throw Refusal(
                .evidenceMalformed, "the report's request is not followed by an SPDM 1.1 measurement response")
        }
        _ = try reader.take(2, "response parameters")
        let count = try reader.uint8("number of measurements")
        let low: UInt16 = try reader.littleEndian("measurement record length")
        let high = try reader.uint8("measurement record length")
        let record = try reader.take(Int(high) << 16 | Int(low), "measurement record")
        measurements = try NVIDIAReport.measurements(record, count: count)
        deviceNonce = try reader.take(NVIDIAReport.nonceBytes, "response nonce")
        let opaqueCount: UInt16 = try reader.littleEndian("opaque data length")
        fields = try NVIDIAReport.fields(try reader.take(Int(opaqueCount), "opaque data"))
        signature = try reader.take(NVIDIAReport.signatureBytes, "signature")
        try reader.finish("the report")
    }

    /// The part that the signature covers.
    var signedBytes: ArraySlice<UInt8> { bytes.dropLast(NVIDIAReport.signatureBytes) }
}

// MARK: Parts

extension NVIDIAReport {
    private static func measurements(
        _ record: ArraySlice<UInt8>, count: UInt8
    ) throws(Refusal) -> [SPDMMeasurement] {
        var reader = ByteReader(record)
        var measurements: [SPDMMeasurement] = []
        var seen: Set<UInt8> = []
        for _ in 0..<count {
            let measurement = try SPDMMeasurement(&reader)
            guard seen.insert(measurement.index).inserted else {
                throw Refusal(.evidenceMalformed, "measurement \(measurement.index) occurs twice")
            }
            measurements.append(measurement)
        }
        try reader.finish("the last measurement")
        return measurements
    }

    /// The vendor's fields: type, length, value. Newer firmware begins with a header (magic, profile, version) and gives
    /// each field a kind of value; that form is NVIDIA's SDK's, no recorded report has it.
    private static func fields(_ opaque: ArraySlice<UInt8>) throws(Refusal) -> [UInt16: ArraySlice<UInt8>] {
        var reader = ByteReader(opaque)
        let hasHeader = opaque.starts(with: Array("NVDAOD".utf8))
        if hasHeader {
            let header = Array(try reader.take(12, "opaque data header"))
            guard header[6] == 0, header[7] == 0, header[8] <= 2 else {
                throw Refusal(.evidenceMalformed, "the opaque data is of a profile or version that is not known")
            }
        }
        var fields: [UInt16: ArraySlice<UInt8>] = [:]
        while !reader.isAtEnd {
            let type: UInt16 = try reader.littleEndian("opaque field type")
            if hasHeader { _ = try reader.take(2, "kind of opaque field") }
            let count: UInt16 = try reader.littleEndian("opaque field length")
            guard fields.updateValue(try reader.take(Int(count), "opaque field"), forKey: type) == nil else {
                throw Refusal(.evidenceMalformed, "opaque field \(type) occurs twice")
            }
        }
        return fields
    }

    public func field(_ field: Field) -> ArraySlice<UInt8>? { fields[field.rawValue] }

    /// A field that is text, without the zero bytes that fill it up.
    public func text(_ field: Field) -> String? {
        self.field(field).map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// The VBIOS version as NVIDIA writes it, for example `96.00.A5.00.01`.
    ///
    /// GPUs report eight bytes, of which the four of the second half, little-endian, come first; switches report text.
    public var vbiosVersion: String? {
        guard let bytes = field(.vbiosVersion) else { return nil }
        guard bytes.count == 8 else { return text(.vbiosVersion) }
        let reversed = Array(bytes.reversed())
        // Reversed: three bytes without a meaning, the last part, the first four parts.
        return (reversed[4...] + [reversed[3]]).map { Hex.encode([$0]).uppercased() }.joined(separator: ".")
    }
}

/// One measurement of a device.
///
/// - Source: DMTF DSP0274 1.1, "Measurement block" and "DMTF measurement specification format".
public struct SPDMMeasurement: Hashable, Sendable {
    public let index: UInt8
    /// 0 immutable ROM, 1 mutable firmware, 2 hardware configuration, 3 firmware configuration, 4 measurement manifest.
    public let kind: UInt8
    /// Whether `value` is the measured value itself rather than its digest.
    public let isRaw: Bool
    public let value: ArraySlice<UInt8>

    fileprivate init(_ reader: inout ByteReader) throws(Refusal) {
        index = try reader.uint8("measurement index")
        guard try reader.uint8("measurement specification") == 1 else {
            throw Refusal(.evidenceMalformed, "measurement \(index) is not of the DMTF specification")
        }
        let size: UInt16 = try reader.littleEndian("measurement size")
        let type = try reader.uint8("measurement type")
        kind = type & 0x7f
        isRaw = type & 0x80 != 0
        let count: UInt16 = try reader.littleEndian("measurement value size")
        guard Int(size) == Int(count) + 3 else {
            throw Refusal(.evidenceMalformed, "measurement \(index) has two sizes that disagree")
        }
        value = try reader.take(Int(count), "measurement value")
    }
}
