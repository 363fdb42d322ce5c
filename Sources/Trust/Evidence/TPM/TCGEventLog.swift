public import Encoding

/// An entry of an event log: which register was extended with which digests, and what the firmware says of it.
///
/// Type and data are the firmware's words: they are measured only where `isDataMeasured` says so.
public struct TCGEvent: Hashable, Sendable {
    public let pcr: Int
    /// TCG event type, for example 4 for a separator.
    public let type: UInt32
    /// One a bank.
    public let digests: [TPMHash: ArraySlice<UInt8>]
    public let data: ArraySlice<UInt8>

    /// An entry of this type informs; no register was extended.
    static let noAction: UInt32 = 0x0000_0003

    /// Whether the digest of `bank` is that of the data; for some types it is that of something else.
    public func isDataMeasured(_ bank: TPMHash) -> Bool {
        guard let digest = digests[bank] else { return false }
        return bank.digest(Array(data)).elementsEqual(digest)
    }
}

/// What firmware and boot loaders recorded while they extended registers; it is worth what its replay is worth.
///
/// Reads the crypto-agile form, which begins with a specification id event, and the older form with SHA-1 alone.
///
/// - Source: TCG PC Client Platform Firmware Profile, "Event Logging".
public struct TCGEventLog: Hashable, Sendable {
    /// Longest log that is read.
    public static let maximumBytes = 1 << 20

    public let events: [TCGEvent]
    /// The banks that every event has a digest for.
    public let banks: [TPMHash]
    /// The locality from which the TPM was started, when the log says it; register 0 begins with it.
    public let startupLocality: UInt8?

    /// Reads a log that fills `bytes`.
    ///
    /// - Throws: `evidence-malformed` naming the field.
    public init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        guard bytes.count <= TCGEventLog.maximumBytes else {
            throw Refusal(.evidenceMalformed, "an event log of \(bytes.count) bytes is longer than any")
        }
        var reader = ByteReader(bytes)
        let first = try TCGEvent(legacy: &reader)
        var events: [TCGEvent] = []
        if let specification = try TCGSpecificationID(first) {
            while !reader.isAtEnd { events.append(try TCGEvent(&reader, specification)) }
            banks = specification.algorithms.compactMap(\.hash)
        } else {
            events.append(first)
            while !reader.isAtEnd { events.append(try TCGEvent(legacy: &reader)) }
            banks = [.sha1]
        }
        self.events = events
        startupLocality = try TCGEventLog.startupLocality(events)
    }

    /// "StartupLocality", a NUL and one byte, in an entry before register 0 is first extended.
    private static func startupLocality(_ events: [TCGEvent]) throws(Refusal) -> UInt8? {
        var locality: UInt8?
        var isExtended = false
        for event in events where event.pcr == 0 {
            guard event.type == TCGEvent.noAction, event.data.starts(with: Array("StartupLocality\0".utf8)) else {
                isExtended = isExtended || event.type != TCGEvent.noAction
                continue
            }
            guard event.data.count == 17, locality == nil, !isExtended, let value = event.data.last, value <= 4 else {
                throw Refusal(.evidenceMalformed, "the event log's startup locality is not in its place")
            }
            locality = value
        }
        return locality
    }
}

/// The algorithms of a crypto-agile log, with the length of each digest: what reading it depends on.
///
/// - Source: TCG_EfiSpecIdEvent.
private struct TCGSpecificationID {
    struct Algorithm {
        let id: UInt16
        let byteCount: Int
        /// Nil for an algorithm that is skipped over.
        let hash: TPMHash?
    }

    let algorithms: [Algorithm]

    /// Nil when the first event of the log is not this one.
    init?(_ event: TCGEvent) throws(Refusal) {
        guard event.type == TCGEvent.noAction, event.data.starts(with: Array("Spec ID Event03\0".utf8)) else {
            return nil
        }
        var reader = ByteReader(event.data)
        _ = try reader.take(16 + 8, "specification id")
        let count: UInt32 = try reader.littleEndian("number of algorithms")
        guard (1...8).contains(count) else {
            throw Refusal(.evidenceMalformed, "an event log has 1 to 8 algorithms, not \(count)")
        }
        var algorithms: [Algorithm] = []
        for _ in 0..<count {
            let id: UInt16 = try reader.littleEndian("algorithm")
            let length: UInt16 = try reader.littleEndian("digest length")
            let hash = TPMHash(rawValue: id)
            guard length <= 64, hash.map({ $0.byteCount == Int(length) }) ?? true,
                !algorithms.contains(where: { $0.id == id })
            else { throw Refusal(.evidenceMalformed, "the event log has a wrong digest length for algorithm \(id)") }
            algorithms.append(Algorithm(id: id, byteCount: Int(length), hash: hash))
        }
        let vendorBytes = try reader.uint8("vendor information length")
        _ = try reader.take(Int(vendorBytes), "vendor information")
        try reader.finish("the event log's specification id")
        self.algorithms = algorithms
    }
}

extension TCGEvent {
    /// Highest register that a log may name.
    private static let maximumPCR: UInt32 = 31

    private static func register(_ reader: inout ByteReader) throws(Refusal) -> Int {
        let pcr: UInt32 = try reader.littleEndian("event register")
        guard pcr <= maximumPCR else { throw Refusal(.evidenceMalformed, "the event log names PCR \(pcr)") }
        return Int(pcr)
    }

    private static func data(_ reader: inout ByteReader) throws(Refusal) -> ArraySlice<UInt8> {
        let count: UInt32 = try reader.littleEndian("event length")
        return try reader.take(Int(count), "event data")
    }

    /// TCG_PCR_EVENT.
    fileprivate init(legacy reader: inout ByteReader) throws(Refusal) {
        pcr = try TCGEvent.register(&reader)
        type = try reader.littleEndian("event type")
        digests = [.sha1: try reader.take(TPMHash.sha1.byteCount, "event digest")]
        data = try TCGEvent.data(&reader)
    }

    /// TCG_PCR_EVENT2: one digest for each algorithm of the log, in any order.
    fileprivate init(_ reader: inout ByteReader, _ specification: TCGSpecificationID) throws(Refusal) {
        pcr = try TCGEvent.register(&reader)
        type = try reader.littleEndian("event type")
        let count: UInt32 = try reader.littleEndian("number of digests")
        guard count == UInt32(specification.algorithms.count) else {
            throw Refusal(.evidenceMalformed, "an event has \(count) digests, not one a bank of the log")
        }
        var digests: [TPMHash: ArraySlice<UInt8>] = [:]
        var seen: Set<UInt16> = []
        for _ in 0..<count {
            let id: UInt16 = try reader.littleEndian("digest algorithm")
            guard let algorithm = specification.algorithms.first(where: { $0.id == id }), seen.insert(id).inserted
            else {
                throw Refusal(.evidenceMalformed, "an event has a digest that the log does not announce, or one twice")
            }
            let digest = try reader.take(algorithm.byteCount, "event digest")
            if let hash = algorithm.hash { digests[hash] = digest }
        }
        self.digests = digests
        data = try TCGEvent.data(&reader)
    }
}
