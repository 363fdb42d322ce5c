import Encoding

/// Reads Intel's signed JSON: members that are wanted must be right, others are left alone, since Intel adds to it.
struct CollateralReader {
    private let members: [String: JSON]
    private let what: String

    /// - Throws: `collateral-invalid` for anything but an object.
    init(_ text: String, _ what: String) throws(Refusal) {
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(text) } catch {
            throw Refusal(.collateralInvalid, "\(what): \(error)")
        }
        try self.init(json, what)
    }

    private init(_ json: JSON, _ what: String) throws(Refusal) {
        guard let members = json.object else { throw Refusal(.collateralInvalid, "\(what) is not an object") }
        self.members = members
        self.what = what
    }

    func wrong(_ problem: String) -> Refusal { Refusal(.collateralInvalid, "\(what) \(problem)") }

    private func member<Value>(_ name: String, _ read: (JSON) -> Value?) throws(Refusal) -> Value {
        guard let json = members[name], let value = read(json) else { throw wrong("lacks \(name), or it is wrong") }
        return value
    }

    func has(_ name: String) -> Bool { members[name] != nil }
    /// A member that only explains another; nil also where it is of another type.
    func optionalString(_ name: String) -> String? { members[name]?.string }
    func string(_ name: String) throws(Refusal) -> String { try member(name) { $0.string } }
    func integer(_ name: String) throws(Refusal) -> Int64 { try member(name) { $0.integer } }
    func time(_ name: String) throws(Refusal) -> Timestamp {
        try member(name) { $0.string.flatMap { Timestamp(rfc3339: $0) } }
    }

    func unsigned<Value: FixedWidthInteger & UnsignedInteger>(
        _ name: String, as type: Value.Type = Value.self
    ) throws(Refusal) -> Value {
        try member(name) { $0.integer.flatMap { Value(exactly: $0) } }
    }

    func hex(_ name: String, count: Int) throws(Refusal) -> [UInt8] {
        try member(name) { json in
            json.string.flatMap { Hex.decode($0) }.flatMap { $0.count == count ? $0 : nil }
        }
    }

    func object(_ name: String) throws(Refusal) -> CollateralReader {
        try CollateralReader(try member(name) { $0 }, "\(what): \(name)")
    }

    func array(_ name: String) throws(Refusal) -> [CollateralReader] {
        let what = "\(what): \(name)"
        var readers: [CollateralReader] = []
        for json in try member(name, { $0.array }) { readers.append(try CollateralReader(json, what)) }
        return readers
    }

    /// The members of `tcbLevels`; at least one.
    func levels() throws(Refusal) -> [CollateralReader] {
        let levels = try array("tcbLevels")
        guard !levels.isEmpty else { throw wrong("has no TCB levels") }
        return levels
    }

    func status() throws(Refusal) -> TCBStatus {
        let name = try string("tcbStatus")
        guard let status = TCBStatus(rawValue: name), status.isPublished else {
            throw wrong("has an unknown tcbStatus")
        }
        return status
    }

    /// Absent in version 2 and in levels without any.
    func advisories() throws(Refusal) -> [String] {
        guard has("advisoryIDs") else { return [] }
        return try member("advisoryIDs") { $0.strings }
    }
}
