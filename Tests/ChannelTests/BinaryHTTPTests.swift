import Encoding
import Testing

@testable import Channel

struct BinaryHTTPTests {
    let request = BinaryRequest(
        method: "PUT", authority: "medical-platform", path: "/uploads/7/parts/0?x=1",
        fields: [BinaryField("content-type", "application/octet-stream"), BinaryField("empty", "")],
        content: [1, 2, 3])

    @Test(arguments: [0, 1, 63, 64, 16_383, 16_384, 100_000])
    func `a request is read back whatever its length`(length: Int) throws {
        var request = request
        request.content = [UInt8](repeating: 9, count: length)
        for padded in [false, true] {
            #expect(try BinaryRequest(parsing: request.encoded(padded: padded)) == request)
        }
    }

    @Test(arguments: [200, 204, 404, 599]) func `a response is read back`(status: Int) throws {
        let response = BinaryResponse(status: status, fields: [BinaryField("a", "b c")], content: [5])
        #expect(try BinaryResponse(parsing: response.encoded(padded: true)) == response)
    }

    @Test(arguments: [
        (0, "00"), (37, "25"), (63, "3f"), (64, "4040"), (15_293, "7bbd"), (494_878_333, "9d7f3e7d"),
        (1 << 30, "c000000040000000"),
    ])
    func `integers have the encodings of RFC 9000`(value: Int, encoded: String) throws {
        var bytes: [UInt8] = []
        bytes.appendVariableLength(value)
        #expect(Hex.encode(bytes) == encoded)
        var reader = ByteReader(bytes, refusing: .recordAuthentication)
        #expect(try reader.variableLength("value") == value)
    }

    @Test(arguments: ["4025", "80000025", "c000000000000025", "8000003f", "c00000003fffffff"])
    func `an integer in a longer form than needed is refused`(encoded: String) throws {
        let bytes = try hex(encoded)
        #expect(
            refusal {
                var reader = ByteReader(bytes, refusing: .recordAuthentication)
                return try reader.variableLength("value")
            } == "record-authentication")
    }

    // MARK: Refused forms

    /// Builds messages that our writer would not write.
    static func raw(
        framing: Int = 0, method: String = "GET", scheme: String = "https", authority: String = "diagnostics",
        path: String = "/x", fields: [(String, String)] = [], tail: [UInt8] = [0, 0]
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendVariableLength(framing)
        func prefixed(_ text: String, to bytes: inout [UInt8]) {
            bytes.appendVariableLength(text.utf8.count)
            bytes.append(contentsOf: text.utf8)
        }
        for part in [method, scheme, authority, path] { prefixed(part, to: &bytes) }
        var section: [UInt8] = []
        for (name, value) in fields {
            prefixed(name, to: &section)
            prefixed(value, to: &section)
        }
        bytes.appendVariableLength(section.count)
        return bytes + section + tail
    }

    @Test func `the builder of hostile messages builds a good one`() throws {
        #expect(try BinaryRequest(parsing: Self.raw(fields: [("accept", "*/*")])).fields["accept"] == "*/*")
    }

    @Test(arguments: [
        ("response framing", raw(framing: 1)), ("indeterminate-length request", raw(framing: 2)),
        ("unknown framing", raw(framing: 4)), ("empty method", raw(method: "")),
        ("method with a blank", raw(method: "GE T")), ("long method", raw(method: String(repeating: "A", count: 33))),
        ("scheme http", raw(scheme: "http")), ("no scheme", raw(scheme: "")),
        ("authority with a blank", raw(authority: "a b")), ("empty path", raw(path: "")),
        ("relative path", raw(path: "x")), ("path with a blank", raw(path: "/a b")),
        ("path beyond ASCII", raw(path: "/é")),
        ("long path", raw(path: "/" + String(repeating: "a", count: 8_192))),
        ("upper-case field name", raw(fields: [("Accept", "x")])), ("empty field name", raw(fields: [("", "x")])),
        ("pseudo field", raw(fields: [(":path", "/y")])), ("field name with a blank", raw(fields: [("a b", "x")])),
        ("repeated field", raw(fields: [("a", "x"), ("a", "y")])),
        ("line feed in a value", raw(fields: [("a", "x\ny")])), ("NUL in a value", raw(fields: [("a", "x\0y")])),
        ("carriage return in a value", raw(fields: [("a", "x\r")])), ("value beyond ASCII", raw(fields: [("a", "é")])),
        ("leading blank", raw(fields: [("a", " x")])), ("trailing tab", raw(fields: [("a", "x\t")])),
        ("too many fields", raw(fields: (0...64).map { ("a\($0)", "x") })),
        ("too long a section", raw(fields: [("a", String(repeating: "x", count: 129 << 10))])),
        ("trailers", raw(tail: [0, 4, 1, 0x61, 1, 0x62])), ("no content", raw(tail: [])),
        ("no trailer section", raw(tail: [0])), ("padding that is not zero", raw(tail: [0, 0, 0, 0, 1])),
        ("content longer than the message", raw(tail: [0xbf, 0xff, 0xff, 0xff])),
        ("content of 2^62 bytes", raw(tail: [0xff] + [UInt8](repeating: 0xff, count: 7))), ("nothing", []),
    ])
    func `a request of another form is refused`(what: String, bytes: [UInt8]) {
        #expect(refusal { try BinaryRequest(parsing: bytes) } == "record-authentication", "\(what)")
    }

    @Test(arguments: [
        ("informational", "014064000000"), ("status 199", "0140c7000000"), ("status 600", "014258000000"),
        ("status 0", "0100000000"), ("request framing", "0040c8000000"), ("truncated, as in RFC 9458", "0140c8"),
        ("trailers", "0140c80000040161016200"), ("long status", "01800000c8000000"), ("padding", "0140c800000001"),
    ])
    func `a response of another form is refused`(what: String, text: String) throws {
        let bytes = try hex(text)
        #expect(refusal { try BinaryResponse(parsing: bytes) } == "record-authentication", "\(what)")
    }

    @Test("AC-043 every truncation of a message is refused") func truncation() throws {
        let whole = try request.encoded(padded: false)
        for length in 0..<whole.count {
            #expect(throws: Refusal.self) { try BinaryRequest(parsing: Array(whole[..<length])) }
        }
    }

    @Test func `a writer refuses what a reader would`() {
        var bad = request
        bad.fields = [BinaryField("A", "x")]
        #expect(refusal { try bad.encoded(padded: false) } == "record-authentication")
        bad = request
        bad.path = "x"
        #expect(refusal { try bad.encoded(padded: false) } == "record-authentication")
        #expect(refusal { try BinaryResponse(status: 100).encoded(padded: false) } == "record-authentication")
    }

    // MARK: Padding

    @Test func `every length is padded to the smallest class that holds it`() throws {
        var generator = Deterministic(1)
        let classes = (9...20).flatMap { e in (8...15).map { $0 << e } }
        var lengths = [0, 1, 4_095, 4_096, 4_097, MessagePadding.maximum - 1, MessagePadding.maximum]
        lengths += classes.flatMap { [$0 - 1, $0, min($0 + 1, MessagePadding.maximum)] }
        lengths += (0..<2_000).map { _ in Int.random(in: 0...MessagePadding.maximum, using: &generator) }
        for length in lengths {
            let expected = try #require(classes.first { $0 >= length })
            #expect(MessagePadding.paddedLength(length) == expected)
        }
        #expect(MessagePadding.paddedLength(MessagePadding.maximum + 1) == nil)
    }

    @Test("AC-053 a padded message has the length of its class") func sizes() throws {
        for length in [0, 5_000, 70_000] {
            let encoded = try BinaryResponse(status: 200, content: [UInt8](repeating: 1, count: length))
                .encoded(padded: true)
            #expect(encoded.count == MessagePadding.paddedLength(encoded.count))
        }
    }

    @Test func `a message beyond the last class is refused before it is sealed`() {
        let response = BinaryResponse(status: 200, content: [UInt8](repeating: 1, count: MessagePadding.maximum))
        #expect(refusal { try response.encoded(padded: true) } == "too-large")
    }
}
