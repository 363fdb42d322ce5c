import Encoding

/// What Intel signed, taken out of its answer without a changed byte: `{"tcbInfo":{…},"signature":"…"}`.
struct SignedDocument: Hashable, Sendable {
    /// Exactly what the signature covers.
    let text: String
    /// r and s in hexadecimal.
    let signature: String

    /// - Parameter member: `tcbInfo` or `enclaveIdentity`.
    /// - Throws: `collateral-invalid`.
    init(_ answer: [UInt8], member: String) throws(Refusal) {
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(answer) } catch {
            throw Refusal(.collateralInvalid, "the answer is not JSON: \(error)")
        }
        guard json[member]?.object != nil, let signature = json["signature"]?.string,
            let range = SignedDocument.range(of: member, in: answer),
            let text = String(validating: answer[range], as: UTF8.self)
        else { throw Refusal(.collateralInvalid, "the answer has no \(member) with a signature") }
        self.text = text
        self.signature = signature
    }

    /// Where the object of `member` stands in `json`, an object that was parsed before.
    private static func range(of member: String, in json: [UInt8]) -> Range<Int>? {
        let name = Array("\"\(member)\"".utf8)
        var depth = 0
        var start: Int?
        var index = 0
        while index < json.count {
            switch json[index] {
            case UInt8(ascii: "\""):
                let end = endOfString(json, from: index)
                if depth == 1, start == nil, json[index..<end].elementsEqual(name) {
                    start = objectStart(json, afterName: end)
                }
                index = end
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                index += 1
                if depth == 1, let start, index > start { return start..<index }
            default: index += 1
            }
        }
        return nil
    }

    /// The index after the closing quotation mark.
    private static func endOfString(_ json: [UInt8], from start: Int) -> Int {
        var index = start + 1
        while index < json.count, json[index] != UInt8(ascii: "\"") {
            index += json[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index + 1, json.count)
    }

    /// The brace after a name and its colon; nil where a string only looks like the name.
    private static func objectStart(_ json: [UInt8], afterName end: Int) -> Int? {
        var index = end
        var hasColon = false
        while index < json.count {
            switch json[index] {
            case 0x20, 0x09, 0x0a, 0x0d: index += 1
            case UInt8(ascii: ":") where !hasColon:
                hasColon = true
                index += 1
            case UInt8(ascii: "{") where hasColon: return index
            default: return nil
            }
        }
        return nil
    }
}
