public import Encoding

/// How a platform stands against what its vendor publishes, part by part, and what it lacks.
public struct TCBAppraisal: Hashable, Sendable {
    /// The level that one part reaches.
    public struct Level: Hashable, Sendable {
        public let status: TCBStatus
        /// The level's `tcbDate`; nil where no level is reached, and for SNP.
        public let date: Timestamp?

        public init(status: TCBStatus, date: Timestamp? = nil) {
            self.status = status
            self.date = date
        }

        var json: JSON {
            ["status": .string(status.rawValue), "date": date.map { .string($0.description) } ?? .null]
        }
    }

    /// All parts together.
    public let status: TCBStatus
    /// Processor and firmware.
    public let platform: Level
    /// TDX modules of version 1 and later only; those before are part of the platform's level.
    public let module: Level?
    /// SGX and TDX.
    public let quotingEnclave: Level?
    /// `tcbEvaluationDataNumber` of the TCB info that was used; nil for SNP.
    public let evaluationDataNumber: Int64?
    /// What is below the newest published level, or below the floors of the relying party.
    public let shortcomings: [TCBShortcoming]

    public init(
        status: TCBStatus, platform: Level, module: Level? = nil, quotingEnclave: Level? = nil,
        evaluationDataNumber: Int64? = nil, shortcomings: [TCBShortcoming] = []
    ) {
        self.status = status
        self.platform = platform
        self.module = module
        self.quotingEnclave = quotingEnclave
        self.evaluationDataNumber = evaluationDataNumber
        self.shortcomings = shortcomings
    }

    /// Member `tcb` of what `cloister verify --json` prints.
    public var json: JSON {
        [
            "status": .string(status.rawValue), "platform": platform.json, "module": module?.json ?? .null,
            "quotingEnclave": quotingEnclave?.json ?? .null,
            "evaluationDataNumber": evaluationDataNumber.map(JSON.integer) ?? .null,
            "shortcomings": .array(shortcomings.map(\.json)),
        ]
    }
}

/// A security version that is below what is wanted.
public struct TCBShortcoming: Hashable, Sendable, CustomStringConvertible {
    /// For example `SGX component 5`, `PCESVN`, `TDX component 3`, `TDX module ISVSVN`, `QE ISVSVN`, `reported SNP`;
    /// components are counted from 1.
    public let component: String
    public let seen: UInt16
    public let wanted: UInt16
    /// Who updates it and what it is, in the vendor's words, for example `BIOS: Early Microcode Update`; nil where the
    /// vendor does not say.
    public let update: String?

    public init(component: String, seen: UInt16, wanted: UInt16, update: String? = nil) {
        self.component = component
        self.seen = seen
        self.wanted = wanted
        self.update = update
    }

    public var description: String {
        "\(component): \(seen) < \(wanted)" + (update.map { " (\($0))" } ?? "")
    }

    var json: JSON {
        [
            "component": .string(component), "seen": .integer(Int64(seen)), "wanted": .integer(Int64(wanted)),
            "update": update.map(JSON.string) ?? .null,
        ]
    }
}
