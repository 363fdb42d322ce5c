import Encoding
import Evidence

// Registers and the log that explains them.
extension HCLCases {
    static var registers: [ForgedCase] {
        [
            wrong("register-changed", .bindingMismatch, "AC-015", "a register's value is another than the quoted one") {
                var values = $0.quote.registers
                values[4][0] ^= 1
                $0.quote.suppliedRegisters = values
            },
            wrong("registers-swapped", .bindingMismatch, "AC-015", "two registers have changed places") {
                var values = $0.quote.registers
                values.swapAt(0, 4)
                $0.quote.suppliedRegisters = values
            },
            wrong("register-missing", .bindingMismatch, "AC-015", "the last quoted register's value is missing") {
                $0.quote.suppliedRegisters = $0.quote.registers.dropLast()
            },
            wrong(
                "digest-of-other-registers", .bindingMismatch, "AC-015", "the quote's digest is that of other registers"
            ) {
                $0.quote.digest = Digest(of: "other registers").bytes
            },
        ] + eventLogs
    }

    private static var eventLogs: [ForgedCase] {
        func log(_ name: String, _ about: String, _ change: @escaping @Sendable (inout EventLogRecipe) -> Void)
            -> ForgedCase
        {
            wrong("event-log-\(name)", .bindingMismatch, "AC-019", "the event log \(about)", isGenuine: true) {
                var log = EventLogRecipe.standard
                change(&log)
                $0.log = log
            }
        }
        func malformedLog(_ name: String, _ about: String, _ change: @escaping @Sendable (inout EventLogRecipe) -> Void)
            -> ForgedCase
        {
            wrong("event-log-\(name)", .evidenceMalformed, "AC-019", "the event log \(about)", isGenuine: true) {
                var log = EventLogRecipe.standard
                change(&log)
                $0.log = log
            }
        }
        return [
            log("event-missing", "lacks an event") { $0.events.remove(at: 9) },
            log("event-twice", "has an event twice") { $0.events.append($0.events[9]) },
            log("events-reordered", "has two events of a register in the other order") { $0.events.swapAt(0, 1) },
            log("event-added", "has an event that did not happen") {
                $0.events.append(.init(pcr: 4, type: 0x8000_0003, data: Array("another boot loader".utf8)))
            },
            log("digest-changed", "has another digest for an event") {
                $0.events[9].digest = Digest(of: "another boot loader").bytes
            },
            log("of-other-registers", "is about registers that nobody quoted") {
                $0.events = [.init(pcr: 24, type: 4, data: .zeros(4))]
            },
            malformedLog("cut", "is cut off") { $0.tamper = { $0.removeLast(3) } },
            malformedLog("register-32", "names register 32") { $0.events[9].pcr = 32 },
            malformedLog("digest-length", "says that SHA-256 has 20 bytes") { $0.algorithm = (0x000b, 20) },
        ]
    }
}
