import Encoding
import Testing

@testable import Channel

struct EncapsulationTests {
    let keys: ChannelKeys

    init() throws { keys = try .generate() }

    private func seal(_ message: [UInt8], _ suite: Channel.Suite) throws -> (body: [UInt8], exchange: ClientExchange) {
        let configuration = try #require(keys.configurations.first { $0.suite == suite })
        return try SealedRequest.seal(message, to: configuration)
    }

    private func open(_ body: [UInt8], _ suite: Channel.Suite) throws -> (message: [UInt8], exchange: ServerExchange) {
        let configuration = try #require(keys.configurations.first { $0.suite == suite })
        return try keys.open(body, named: configuration.name)
    }

    @Test(arguments: Channel.Suite.allCases) func `a request and its answer arrive`(suite: Channel.Suite) throws {
        let message = Array("request".utf8)
        let sealed = try seal(message, suite)
        #expect(sealed.body.count == 7 + suite.encapsulatedKeyLength + message.count + 16)
        let opened = try open(sealed.body, suite)
        #expect(opened.message == message)
        #expect(opened.exchange.encDigest == sealed.exchange.encDigest)
        #expect(opened.exchange.encDigest == Digest(of: sealed.body[7..<7 + suite.encapsulatedKeyLength]))
        #expect(opened.exchange.enc16 == Array(sealed.exchange.encDigest.bytes.prefix(16)))
        #expect(opened.exchange.suite == suite)
        let answer = try opened.exchange.seal(Array("answer".utf8))
        #expect(try sealed.exchange.open(answer) == Array("answer".utf8))
    }

    @Test func `two answers of one exchange have different nonces`() throws {
        let opened = try open(try seal([1], .xwing).body, .xwing)
        #expect(try opened.exchange.seal([2]).prefix(32) != opened.exchange.seal([2]).prefix(32))
    }

    @Test("AC-042 an answer to another request does not open") func answerOfAnotherRequest() throws {
        let first = try seal([1], .xwing)
        let second = try seal([1], .xwing)
        let answer = try open(second.body, .xwing).exchange.seal([9])
        #expect(refusal { try first.exchange.open(answer) } == "record-authentication")
    }

    @Test("AC-133 an answer that was altered or cut does not open") func alteredAnswer() throws {
        let sealed = try seal([1], .xwing)
        let answer = try open(sealed.body, .xwing).exchange.seal([9, 9])
        for index in answer.indices {
            var altered = answer
            altered[index] ^= 0x10
            #expect(refusal { try sealed.exchange.open(altered) } == "record-authentication")
        }
        for length in 0..<answer.count {
            #expect(refusal { try sealed.exchange.open(Array(answer[..<length])) } == "record-authentication")
        }
        #expect(refusal { try sealed.exchange.open(answer + [0]) } == "record-authentication")
    }

    @Test("AC-047 an unknown key name, and a key whose epoch has ended") func unknownName() throws {
        let sealed = try seal([1], .xwing)
        #expect(refusal { try keys.open(sealed.body, named: Digest(of: "other")) } == "reattestation-required")
        keys.end()
        #expect(refusal { try open(sealed.body, .xwing) } == "reattestation-required")
    }

    @Test("AC-047 a request that was sealed to another key does not open", arguments: Channel.Suite.allCases)
    func otherKey(suite: Channel.Suite) throws {
        let other = try ChannelKeys.generate()
        let configuration = try #require(other.configurations.first { $0.suite == suite })
        let sealed = try SealedRequest.seal([1], to: configuration)
        #expect(refusal { try open(sealed.body, suite) } == "reattestation-required")
    }

    @Test("AC-042 a request whose ciphertext or enc was changed does not open", arguments: Channel.Suite.allCases)
    func alteredRequest(suite: Channel.Suite) throws {
        let sealed = try seal([1, 2, 3], suite)
        // The last byte of enc: for P-256 the point leaves the curve, for X-Wing the secret becomes another.
        var altered = sealed.body
        altered[7 + suite.encapsulatedKeyLength - 1] ^= 1
        #expect(refusal { try open(altered, suite) } == (suite == .p256 ? "key-invalid" : "reattestation-required"))
        altered = sealed.body
        altered[altered.count - 1] ^= 1
        #expect(refusal { try open(altered, suite) } == "reattestation-required")
        let other = try seal([1, 2, 3], suite)
        let split = 7 + suite.encapsulatedKeyLength
        let spliced = Array(sealed.body[..<split] + other.body[split...])
        #expect(refusal { try open(spliced, suite) } == "reattestation-required")
    }

    @Test("AC-043 every truncation of a request is refused") func truncatedRequest() throws {
        let sealed = try seal([1, 2, 3], .p256)
        for length in 0..<sealed.body.count {
            let cut = Array(sealed.body[..<length])
            let expected = length < 7 + 65 + 16 ? "record-authentication" : "reattestation-required"
            #expect(refusal { try open(cut, .p256) } == expected)
        }
    }

    @Test("AC-044 a header that names another suite than the key's is refused", arguments: 0..<7)
    func otherHeader(position: Int) throws {
        var body = try seal([1], .xwing).body
        body[position] ^= 3
        #expect(refusal { try open(body, .xwing) } == "suite-not-allowed")
    }

    @Test("AC-044 a suite that is not accepted on this route is refused") func suiteNotAllowedHere() throws {
        let configuration = keys.configurations[1]
        let sealed = try SealedRequest.seal([1], to: configuration)
        #expect(
            refusal { try keys.open(sealed.body, named: configuration.name, allowing: [.xwing]) }
                == "suite-not-allowed")
    }

    @Test("AC-045 an encapsulated key that is no valid key is refused") func invalidEncapsulatedKey() throws {
        var body = try seal([1], .p256).body
        body.replaceSubrange(7..<72, with: [UInt8](repeating: 0, count: 65))
        #expect(refusal { try open(body, .p256) } == "key-invalid")
        var xwing = try seal([1], .xwing).body
        // X-Wing's enc ends in the X25519 share; zero is of low order.
        xwing.replaceSubrange(7 + 1_088..<7 + 1_120, with: [UInt8](repeating: 0, count: 32))
        #expect(refusal { try open(xwing, .xwing) } == "key-invalid")
    }

    @Test func `a message that is too long is refused on both sides`() throws {
        let message = [UInt8](repeating: 0, count: SealedMessage.maximumBytes)
        #expect(refusal { try seal(message, .p256) } == "too-large")
        #expect(refusal { try open(message + [0], .p256) } == "too-large")
    }

    @Test func `private keys are different every time`() throws {
        let other = try ChannelKeys.generate()
        for (mine, others) in zip(keys.configurations, other.configurations) {
            #expect(mine.publicKey != others.publicKey)
        }
    }
}

struct ReplayWindowTests {
    @Test("AC-043 an entry is fresh once") func replay() throws {
        var window = ReplayWindow()
        let keys = try ChannelKeys.generate()
        let sealed = try SealedRequest.seal([1], to: keys.configurations[0])
        let first = try keys.open(sealed.body, named: keys.configurations[0].name).exchange
        let again = try keys.open(sealed.body, named: keys.configurations[0].name).exchange
        #expect(window.insert(first.enc16) == .fresh)
        #expect(window.insert(again.enc16) == .replayed)
        #expect(window.count == 1)
    }

    @Test func `every byte of an entry counts`() {
        var window = ReplayWindow()
        let entry = [UInt8](0..<16)
        #expect(window.insert(entry) == .fresh)
        for index in entry.indices {
            var other = entry
            other[index] ^= 0x80
            #expect(window.insert(other) == .fresh)
        }
    }

    @Test func `a full window records nothing more and forgets nothing`() {
        var window = ReplayWindow(capacity: 3)
        let entries = (0..<4).map { [UInt8](repeating: UInt8($0), count: 16) }
        for entry in entries.prefix(3) { #expect(window.insert(entry) == .fresh) }
        #expect(window.insert(entries[3]) == .full)
        #expect(window.insert(entries[0]) == .replayed)
        #expect(window.count == 3)
        #expect(ReplayWindow.capacity == 262_144)
    }

    @Test func `an entry of another length fails closed`() {
        var window = ReplayWindow()
        #expect(window.insert([]) == .replayed)
        #expect(window.insert([UInt8](repeating: 1, count: 32)) == .replayed)
        #expect(window.count == 0)
    }
}
