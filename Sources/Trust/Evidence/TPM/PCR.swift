import Encoding

/// One platform configuration register: what was started is recorded there by hashing it in.
public struct PCR: Hashable, Sendable, Comparable {
    public let bank: TPMHash
    /// 0 to 23 on a PC.
    public let index: Int

    public init(_ bank: TPMHash, _ index: Int) {
        self.bank = bank
        self.index = index
    }

    public static func < (left: PCR, right: PCR) -> Bool {
        (left.bank.rawValue, left.index) < (right.bank.rawValue, right.index)
    }
}

/// Values of registers, each as long as a digest of its bank.
public typealias PCRValues = [PCR: [UInt8]]

/// The registers of one bank that a quote covers.
///
/// - Source: TPM 2.0 Library, Part 2, TPMS_PCR_SELECTION.
public struct PCRSelection: Hashable, Sendable {
    public let bank: TPMHash
    /// Ascending.
    public let indices: [Int]

    /// Reads one selection. Bit n of byte k of the map stands for register 8·k + n.
    init(_ reader: inout ByteReader) throws(Refusal) {
        bank = try TPMHash(reading: &reader, "PCR bank")
        let mapBytes = try reader.uint8("PCR map size")
        guard (1...4).contains(mapBytes) else {
            throw Refusal(.evidenceMalformed, "a PCR map has 1 to 4 bytes, not \(mapBytes)")
        }
        var indices: [Int] = []
        for (position, byte) in try reader.take(Int(mapBytes), "PCR map").enumerated() {
            for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 { indices.append(8 * position + bit) }
        }
        self.indices = indices
    }

    var registers: [PCR] { indices.map { PCR(bank, $0) } }
}

extension [PCRSelection] {
    /// All registers, in the order in which their values are hashed.
    var registers: [PCR] { flatMap(\.registers) }

    /// The digest of a quote over these registers; nil when a value is missing.
    ///
    /// - Parameter hash: the hash of the signature, also for registers of other banks.
    func digest(of values: PCRValues, by hash: TPMHash) -> [UInt8]? {
        var content: [UInt8] = []
        for register in registers {
            guard let value = values[register], value.count == register.bank.byteCount else { return nil }
            content.append(contentsOf: value)
        }
        return hash.digest(content)
    }
}

extension TPMHash {
    /// Reads a TPM_ALG_ID.
    init(reading reader: inout ByteReader, _ field: StaticString) throws(Refusal) {
        let id: UInt16 = try reader.bigEndian(field)
        guard let hash = TPMHash(rawValue: id) else {
            throw Refusal(.evidenceMalformed, "\(field): hash algorithm \(id) is not known")
        }
        self = hash
    }
}

extension ByteReader {
    /// A TPM2B: a length of two bytes, and as many bytes.
    mutating func sized(_ field: StaticString) throws(Refusal) -> ArraySlice<UInt8> {
        let count: UInt16 = try bigEndian(field)
        return try take(Int(count), field)
    }
}
