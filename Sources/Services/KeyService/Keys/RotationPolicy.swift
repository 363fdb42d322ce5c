package import Encoding

/// When a key is rotated by itself, and how long its versions live (key API reference, section 10).
package struct RotationPolicy: Hashable, Sendable {
    package enum Trigger: Hashable, Sendable {
        case afterCreate(CalendarDuration)
        case beforeExpiry(CalendarDuration)
    }

    package var rotate: Trigger?
    package var notify: Trigger?
    /// From a version's creation by rotation to its `exp`.
    package var expiryTime: CalendarDuration?
    package var created: Timestamp
    package var updated: Timestamp

    /// Least time before a rotation, and least life of a version, in seconds.
    static let minimum: Int64 = 7 * 86_400

    /// What a key without a policy of its own says: somebody wants to know 30 days before it ends.
    static func standard(at time: Timestamp) -> RotationPolicy {
        RotationPolicy(
            notify: CalendarDuration("P30D").map { .beforeExpiry($0) }, created: time, updated: time)
    }

    package init(
        rotate: Trigger? = nil, notify: Trigger? = nil, expiryTime: CalendarDuration? = nil, created: Timestamp,
        updated: Timestamp
    ) {
        self.rotate = rotate
        self.notify = notify
        self.expiryTime = expiryTime
        self.created = created
        self.updated = updated
    }

    /// When the version that is the latest now is to be followed by another; nil for never.
    func nextRotation(after attributes: KeyAttributes) -> Timestamp? {
        switch rotate {
        case nil: nil
        case .afterCreate(let duration): attributes.created + duration.seconds
        case .beforeExpiry(let duration):
            // Never at once after it was made: that would make versions without end.
            attributes.expires.map { max($0 - duration.seconds, attributes.created + RotationPolicy.minimum) }
        }
    }
}

/// A duration of whole days, months or years (ISO 8601: `P30D`, `P2Y`, `P1Y6M`), as it was written.
package struct CalendarDuration: Hashable, Sendable {
    package let text: String
    /// Of a year 365 days are counted, of a month 30.
    package let seconds: Int64

    /// Nil for anything else, for nothing at all, and for more than 100 years.
    package init?(_ text: String) {
        guard text.utf8.count <= 16, text.first == "P" else { return nil }
        var days: Int64 = 0
        var digits = ""
        var units = "YMWD"[...]
        for character in text.dropFirst() {
            if character.isASCII, character.isNumber {
                digits.append(character)
                continue
            }
            guard let place = units.firstIndex(of: character), let count = Int64(digits), count <= 36_500 else {
                return nil
            }
            units = units[units.index(after: place)...]
            digits = ""
            days += count * (character == "Y" ? 365 : character == "M" ? 30 : character == "W" ? 7 : 1)
        }
        guard digits.isEmpty, (1...36_500).contains(days) else { return nil }
        self.text = text
        seconds = days * 86_400
    }
}

// MARK: As JSON

extension RotationPolicy {
    /// The members that the API and the store have in common.
    var members: [String: JSON] {
        var actions: [JSON] = []
        for (name, trigger) in [("Rotate", rotate), ("Notify", notify)] {
            switch trigger {
            case nil: continue
            case .afterCreate(let duration):
                actions.append([
                    "action": ["type": .string(name)], "trigger": ["timeAfterCreate": .string(duration.text)],
                ])
            case .beforeExpiry(let duration):
                actions.append(
                    ["action": ["type": .string(name)], "trigger": ["timeBeforeExpiry": .string(duration.text)]])
            }
        }
        var attributes: [String: JSON] = [
            "created": .integer(created.seconds), "updated": .integer(updated.seconds),
        ]
        if let expiryTime { attributes["expiryTime"] = .string(expiryTime.text) }
        return ["attributes": .object(attributes), "lifetimeActions": .array(actions)]
    }

    /// Reads the body of a request, or what is stored.
    ///
    /// - Throws: `request-malformed`, with the rule that is broken.
    init(json: JSON, created: Timestamp, updated: Timestamp) throws(Refusal) {
        self.init(created: created, updated: updated)
        if let text = json["attributes"]?["expiryTime"], text != .null {
            guard let duration = text.string.flatMap(CalendarDuration.init), duration.seconds >= RotationPolicy.minimum
            else { throw RotationPolicy.invalid("expiryTime is not a duration of at least 7 days, such as P90D") }
            expiryTime = duration
        }
        for action in json["lifetimeActions"]?.array ?? [] {
            let trigger = try RotationPolicy.trigger(action["trigger"] ?? .null)
            switch action["action"]?["type"]?.string?.lowercased() {
            case "rotate" where rotate == nil: rotate = trigger
            case "notify" where notify == nil: notify = trigger
            case "rotate", "notify": throw RotationPolicy.invalid("an action stands there twice")
            default: throw RotationPolicy.invalid("the type of an action is not Rotate or Notify")
            }
        }
        try check()
    }

    private static func trigger(_ json: JSON) throws(Refusal) -> Trigger {
        let (after, before) = (json["timeAfterCreate"] ?? .null, json["timeBeforeExpiry"] ?? .null)
        guard (after == .null) != (before == .null) else {
            throw invalid("a trigger has either timeAfterCreate or timeBeforeExpiry")
        }
        guard let duration = (after.string ?? before.string).flatMap(CalendarDuration.init) else {
            throw invalid("the time of a trigger is not a duration such as P30D")
        }
        return after == .null ? .beforeExpiry(duration) : .afterCreate(duration)
    }

    private func check() throws(Refusal) {
        if case .afterCreate = notify { throw RotationPolicy.invalid("Notify can only be before expiry") }
        switch rotate {
        case .afterCreate(let duration):
            guard duration.seconds >= RotationPolicy.minimum else {
                throw RotationPolicy.invalid("timeAfterCreate of Rotate is under 7 days")
            }
        case .beforeExpiry(let duration):
            guard let expiryTime, duration.seconds + RotationPolicy.minimum <= expiryTime.seconds else {
                throw RotationPolicy.invalid("timeBeforeExpiry of Rotate needs an expiryTime that is 7 days longer")
            }
        case nil: break
        }
    }

    private static func invalid(_ problem: String) -> Refusal {
        Refusal(.requestMalformed, "Key Rotation Policy: \(problem).")
    }
}
