import Encoding
import Testing

@Suite struct JSONTests {
    @Test func `canonical form sorts names and keeps integers`() throws {
        let value = try JSON.parse(#" {"b":[1,-2.50,true,null],"a":"é\u0041\n","\u20ac":1e21,"z":1e-7} "#)
        #expect(value.text == #"{"a":"éA\n","b":[1,-2.5,true,null],"z":1e-7,"€":1e+21}"#)
    }

    @Test(
        "malformed JSON is refused",
        arguments: [
            "", "{", "[1,]", "{\"a\":1,\"a\":2}", "01", "1.", "\"\\ud800\"", "\"\\udc00x\"", "nul", "[1] 2",
            "\u{feff}1",
            "\"\u{1}\"", "1e999", "+1", "{\"a\" 1}",
            String(repeating: "[", count: 17) + String(repeating: "]", count: 17),
        ])
    func malformed(text: String) {
        #expect(throws: JSON.ParseError.self) { try JSON.parse(text) }
    }

    @Test func `invalid UTF-8 in a string is refused`() {
        #expect(throws: JSON.ParseError.self) { try JSON.parse([0x22, 0xff, 0x22]) }
    }

    @Test func `a signed object that is not its own canonical form is refused`() throws {
        _ = try JSON.parseCanonical(Array(#"{"a":1}"#.utf8), "object", refusing: .tokenMalformed)
        #expect(throws: Refusal.self) {
            try JSON.parseCanonical(Array(#"{"a": 1}"#.utf8), "object", refusing: .tokenMalformed)
        }
    }

    @Test func `every character of ASCII is written so that it reads back, wherever in a text it stands`() throws {
        for character in 0..<UInt8(0x80) {
            for (before, after) in (0...16).flatMap({ before in (0...8).map { (before, $0) } }) {
                let bytes = Array(repeating: 0x61, count: before) + [character] + Array(repeating: 0x7a, count: after)
                let text = JSON.string(String(decoding: bytes, as: UTF8.self))
                #expect(try JSON.parse(text.canonical) == text)
            }
        }
    }

    @Test(
        "numbers print as ECMAScript prints them (RFC 8785 appendix B)",
        arguments: [
            (Double.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
            (9007199254740994.0, "9007199254740994"),
            (295147905179352830000.0, "295147905179352830000"), (1e21, "1e+21"),
            (333333333.3333333, "333333333.3333333"),
            (0.000001, "0.000001"), (1e-7, "1e-7"), (-0.0, "0"), (123.456, "123.456"),
        ])
    func numbers(value: Double, text: String) {
        #expect(JSON.number(value).text == text)
    }
}

@Suite struct TextFormTests {
    @Test func `base64url is exact unless asked to be lenient`() {
        #expect(Base64.encodeURL([0xfb, 0xff]) == "-_8")
        #expect(Base64.decode("-_8") == [0xfb, 0xff])
        #expect(Base64.decode("-_8=") == nil)
        #expect(Base64.decode("-_9") == nil, "trailing bits must be zero")
        #expect(Base64.decode("+/8=", .lenient) == [0xfb, 0xff])
        #expect(Base64.decode("A") == nil)
        #expect(Base64.encodeStandard([1]) == "AQ==")
        for bytes in [[], [1], [1, 2], [1, 2, 3], [0xfb, 0xff]] as [[UInt8]] {
            #expect(Base64.decode(Base64.encodeStandard(bytes), .padded) == bytes)
        }
        for text in ["AQ", "AQ=", "AQ===", "AR==", "A===", "====", "AQ==AQ==", "AQ==\n", "-_8=", "AQ= ="] {
            #expect(Base64.decode(text, .padded) == nil, "\(text) is not what encodeStandard writes")
        }
    }

    @Test func `PEM blocks survive carriage returns and refuse a missing end`() {
        let text = "x\r\n-----BEGIN CERTIFICATE-----\r\nAQID\r\n-----END CERTIFICATE-----\r\n\0"
        #expect(PEM.decode(text, label: "CERTIFICATE") == [[1, 2, 3]])
        #expect(PEM.decode("-----BEGIN CERTIFICATE-----\nAQID\n", label: "CERTIFICATE") == nil)
    }

    @Test func `times read and print as RFC 3339`() {
        #expect(Timestamp(rfc3339: "2025-06-19T11:56:11Z")?.seconds == 1_750_334_171)
        #expect(Timestamp(rfc3339: "2025-06-19T13:56:11.25+02:00")?.seconds == 1_750_334_171)
        #expect(Timestamp(seconds: 1_750_334_171).description == "2025-06-19T11:56:11Z")
        #expect(Timestamp(seconds: -1).description == "1969-12-31T23:59:59Z")
        #expect(Timestamp(rfc3339: "2025-02-29T00:00:00Z") == nil)
        for seconds in stride(from: Int64(-3_000_000_000), to: 9_000_000_000, by: 86_399_977) {
            let time = Timestamp(seconds: seconds)
            #expect(Timestamp(rfc3339: time.description) == time)
        }
    }

    @Test func `a secret prints as nothing`() {
        let secret = Secret([1, 2, 3])
        #expect("\(secret)" == "‹secret›")
        #expect(String(reflecting: secret) == "‹secret›")
        #expect(secret.withBytes { $0 } == [1, 2, 3])
    }

    @Test func `a reader names the field at which input ends`() throws {
        var reader = ByteReader([1, 0, 2])
        #expect(try reader.littleEndian(UInt16.self, "version") == 1)
        let refusal = #expect(throws: Refusal.self) { try reader.bigEndian(UInt32.self, "length") }
        #expect(refusal?.detail.contains("length") == true)
    }
}
