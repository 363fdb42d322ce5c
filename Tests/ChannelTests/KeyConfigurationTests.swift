import Crypto
import Encoding
import Testing

@testable import Channel

struct KeyConfigurationTests {
    let keys: ChannelKeys

    init() throws { keys = try .generate() }

    @Test func `both configurations are read back, and named by their digest`() throws {
        #expect(keys.configurations.map(\.suite) == [.xwing, .p256])
        let list = try KeyConfiguration.parseList(keys.ohttp)
        #expect(list == keys.configurations)
        for configuration in list {
            #expect(configuration.name == Digest(of: configuration.bytes))
            #expect(try KeyConfiguration(parsing: configuration.bytes) == configuration)
        }
        #expect(list[0].bytes.count == 1 + 2 + 1_216 + 2 + 4)
        #expect(Hex.encode(list[0].bytes.prefix(3)) == "01647a")
        #expect(Hex.encode(list[0].bytes.suffix(6)) == "000400010002")
        #expect(list[1].bytes.count == 1 + 2 + 65 + 2 + 4)
        #expect(Hex.encode(list[1].bytes.prefix(3)) == "020010")
    }

    /// The P-256 configuration with one range of bytes replaced.
    private func changed(_ range: Range<Int>, _ replacement: [UInt8]) -> [UInt8] {
        var bytes = keys.configurations[1].bytes
        bytes.replaceSubrange(range, with: replacement)
        return bytes
    }

    @Test(
        "AC-044 an algorithm that is not listed is refused",
        arguments: [(1, [0x00, 0x20]), (70, [0x00, 0x02]), (72, [0x00, 0x03])])
    func unlisted(position: Int, identifier: [UInt8]) {
        let bytes = changed(position..<position + 2, identifier)
        #expect(refusal { try KeyConfiguration(parsing: bytes) } == "suite-not-allowed")
    }

    @Test func `another form is refused`() throws {
        let good = keys.configurations[1].bytes
        for bytes in [
            [], Array(good.dropLast()), good + [0], changed(0..<1, [1]), changed(68..<70, [0, 8]),
            Array(good.prefix(20)),
        ] {
            #expect(refusal { try KeyConfiguration(parsing: bytes) } == "evidence-malformed")
        }
        let list = keys.ohttp
        for bytes in [
            [], list + [0], Array(list.dropLast()), list + list,
            KeyConfiguration.encodeList([keys.configurations[1], keys.configurations[1]]),
        ] {
            #expect(refusal { try KeyConfiguration.parseList(bytes) } == "evidence-malformed")
        }
    }

    @Test("AC-045 a point that is not on the curve is refused") func offCurve() {
        var point = keys.configurations[1].publicKey
        point[64] ^= 1
        #expect(refusal { try KeyConfiguration(parsing: changed(3..<68, point)) } == "key-invalid")
        point = [UInt8](repeating: 0, count: 65)
        #expect(refusal { try KeyConfiguration(parsing: changed(3..<68, point)) } == "key-invalid")
        point[0] = 4
        #expect(refusal { try KeyConfiguration(parsing: changed(3..<68, point)) } == "key-invalid")
    }

    @Test("AC-045 nothing is sealed to a low-order X25519 point or to a broken ML-KEM key") func lowOrder() throws {
        let good = keys.configurations[0].publicKey
        let lowOrder: [[UInt8]] = [
            [UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31),
            try hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
            try hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        ]
        for point in lowOrder {
            let configuration = KeyConfiguration(suite: .xwing, publicKey: good.prefix(1_184) + point)
            #expect(refusal { try SealedRequest.seal([1], to: configuration) } == "key-invalid")
        }
        let broken = [UInt8](repeating: 0xff, count: 1_184) + good.suffix(32)
        let configuration = KeyConfiguration(suite: .xwing, publicKey: broken)
        #expect(refusal { try SealedRequest.seal([1], to: configuration) } == "key-invalid")
    }
}
