import Encoding
import Testing

@testable import Channel

/// Whatever bytes arrive, a parser returns a value or a `Refusal`; a trap would end the test process.
struct RobustnessTests {
    private static func feed(_ seeds: [[UInt8]], rounds: Int, to parse: ([UInt8]) throws -> some Any) {
        var generator = Deterministic(42)
        func attempt(_ bytes: [UInt8]) {
            if let name = refusal({ try parse(bytes) }) {
                #expect(!name.hasPrefix("another error"), "\(name)")
            }
        }
        for round in 0..<rounds {
            attempt(generator.bytes(Int.random(in: 0...80, using: &generator)))
            guard !seeds.isEmpty else { continue }
            var mutated = seeds[round % seeds.count]
            for _ in 0...Int.random(in: 0...3, using: &generator) where !mutated.isEmpty {
                let index = Int.random(in: 0..<mutated.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: mutated[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: mutated[index] = 0xff
                case 2: mutated.remove(at: index)
                default: mutated.insert(contentsOf: generator.bytes(2), at: index)
                }
            }
            attempt(mutated)
            attempt(Array(mutated.prefix(Int.random(in: 0...mutated.count, using: &generator))))
        }
    }

    @Test func `requests and responses`() throws {
        let request = try BinaryHTTPTests().request.encoded(padded: false)
        let seeds = [request, BinaryHTTPTests.raw(fields: [("a", "b")])]
        Self.feed(seeds, rounds: 3_000) { try BinaryRequest(parsing: $0) }
        let response = BinaryResponse(status: 200, fields: [BinaryField("a", "b")], content: [1])
        Self.feed([try response.encoded(padded: false)], rounds: 3_000) { try BinaryResponse(parsing: $0) }
    }

    @Test func `a request that was read is written back as it was`() throws {
        var generator = Deterministic(7)
        let whole = try BinaryHTTPTests().request.encoded(padded: false)
        for _ in 0..<5_000 {
            var bytes = whole
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            guard let request = try? BinaryRequest(parsing: bytes) else { continue }
            let written = try request.encoded(padded: false)
            #expect(bytes.starts(with: written))
        }
    }

    @Test func `key configurations and their lists`() throws {
        let keys = try ChannelKeys.generate()
        let seeds = keys.configurations.map(\.bytes)
        Self.feed(seeds, rounds: 1_000) { try KeyConfiguration(parsing: $0) }
        Self.feed([keys.ohttp], rounds: 1_000) { try KeyConfiguration.parseList($0) }
    }

    @Test func `encapsulated requests and answers`() throws {
        let keys = try ChannelKeys.generate()
        for configuration in keys.configurations {
            let sealed = try SealedRequest.seal([1, 2], to: configuration)
            Self.feed([sealed.body], rounds: 150) { try keys.open($0, named: configuration.name) }
            let answer = try keys.open(sealed.body, named: configuration.name).exchange.seal([3])
            Self.feed([answer], rounds: 1_000) { try sealed.exchange.open($0) }
        }
    }

    @Test func `hop statements`() throws {
        let exchange = try TestExchange()
        let hop = try #require(exchange.send().hop)
        Self.feed([Array(hop.compact.utf8)], rounds: 1_500) {
            try HopStatement(compact: String(decoding: $0, as: UTF8.self))
        }
        Self.feed([Array(hop.content.json(format: "cloister-hop/1").canonical)], rounds: 1_500) { bytes in
            let json = try JSON.parseCanonical(bytes, "hop", refusing: .tokenMalformed)
            return try HopStatement.Content(json: json, format: "cloister-hop/1")
        }
    }

    @Test func `messages with a sender's statement`() throws {
        let exchange = try TestExchange()
        let configuration = try exchange.diagnostics.configuration(.xwing)
        let opened = try exchange.diagnostics.keys.open(try exchange.send().body, named: configuration.name)
        let end = try #require(opened.message.lastIndex { $0 != 0 })
        Self.feed([Array(opened.message[...(end + 1)])], rounds: 1_500) {
            try IncomingRequest($0, exchange: opened.exchange)
        }
    }

    @Test func `passports`() throws {
        Self.feed([Array(#"{"evidence":[],"format":"cloister-passport/1","hops":[]}"#.utf8)], rounds: 1_500) {
            try Passport(parsing: $0)
        }
    }
}
