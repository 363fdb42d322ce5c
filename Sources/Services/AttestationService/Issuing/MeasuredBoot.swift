import Encoding
import Evidence

/// What firmware and Windows measured while a machine started, read from events that quoted registers confirm.
///
/// Only events whose data is what was measured count: whoever writes the log is free in all others.
///
/// - Source: TCG PC Client Platform Firmware Profile, `UEFI_VARIABLE_DATA`; Windows SDK, `wbcl.h`, for SIPA events.
struct MeasuredBoot {
    /// SIPA events of Windows.
    enum SystemEvent: UInt32 {
        case bootDebugging = 0x0004_0001
        case kernelDebugging = 0x0005_0001
        case testSigning = 0x0005_0003
        case safeMode = 0x0005_0005
        case windowsPE = 0x0005_0006
        case hypervisorDebugging = 0x0005_000d
        case flightSigning = 0x0005_0021
        /// The policy of an early-launch anti-malware driver.
        case earlyLaunchProtection = 0x0009_0001
        case codeIntegrityPolicy = 0x000a_0007
    }

    /// Whether any event is confirmed at all.
    let isConfirmed: Bool
    private var variables: [String: [UInt8]] = [:]
    private var values: [UInt32: [UInt8]] = [:]

    private static let driverConfiguration: UInt32 = 0x8000_0001
    private static let tag: UInt32 = 0x0000_0006
    private static let containerType: UInt32 = 0x0001_0000
    private static let typeMask: UInt32 = 0x000f_0000
    /// Containers in containers.
    private static let maximumDepth = 4

    init(_ events: [TCGEvent]) {
        isConfirmed = !events.isEmpty
        for event in events where event.isDataMeasured(.sha256) {
            switch (event.type, event.pcr) {
            case (Self.driverConfiguration, 7): read(variable: event.data)
            case (Self.tag, 11...14): read(tagged: event.data, depth: 0)
            default: break
            }
        }
    }

    /// Whether the firmware started with Secure Boot on.
    var isSecure: Bool { variables["SecureBoot"] == [1] }

    /// Whether Windows measured anything about itself.
    var hasSystemEvents: Bool { !values.isEmpty }

    /// Whether the firmware measured these variables, and they are not empty.
    func hasVariables(_ names: [String]) -> Bool { names.allSatisfy { !(variables[$0] ?? []).isEmpty } }

    func names(_ event: SystemEvent) -> Bool { values[event.rawValue] != nil }

    func isOn(_ event: SystemEvent) -> Bool { values[event.rawValue]?.contains { $0 != 0 } ?? false }

    func integer(_ event: SystemEvent) -> Int64 {
        (values[event.rawValue] ?? []).prefix(4).reversed().reduce(0) { $0 << 8 | Int64($1) }
    }

    // MARK: Reading

    /// GUID, lengths of name and data, name in UTF-16, data. What is not readable is not there.
    private mutating func read(variable bytes: ArraySlice<UInt8>) {
        var reader = ByteReader(bytes)
        guard (try? reader.take(16, "GUID")) != nil,
            let characters = try? reader.littleEndian(UInt64.self, "name length"),
            let count = try? reader.littleEndian(UInt64.self, "data length"), characters <= 64,
            let name = try? reader.take(2 * Int(characters), "name"), let length = Int(exactly: count),
            let data = try? reader.take(length, "data")
        else { return }
        let bytes = Array(name)
        let text = String(decoding: stride(from: 0, to: bytes.count, by: 2).map { bytes[$0] }, as: UTF8.self)
        // Names are ASCII; the first measurement counts.
        guard stride(from: 1, to: bytes.count, by: 2).allSatisfy({ bytes[$0] == 0 }), variables[text] == nil else {
            return
        }
        variables[text] = Array(data)
    }

    /// Events of four bytes type, four bytes length, data; containers hold others.
    private mutating func read(tagged bytes: ArraySlice<UInt8>, depth: Int) {
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            guard let type = try? reader.littleEndian(UInt32.self, "event type"),
                let length = try? reader.littleEndian(UInt32.self, "event length"),
                let data = try? reader.take(Int(length), "event data")
            else { return }
            if type & Self.typeMask == Self.containerType {
                if depth < Self.maximumDepth { read(tagged: data, depth: depth + 1) }
            } else if !isOn(type) {
                // Whoever boots twice, as after hibernation, is as open as in the worse case.
                values[type] = Array(data.prefix(64))
            }
        }
    }

    private func isOn(_ type: UInt32) -> Bool { values[type]?.contains { $0 != 0 } ?? false }
}
