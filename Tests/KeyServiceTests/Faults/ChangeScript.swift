import Crypto
import Encoding
import Foundation
import HTTPTypes
import Testing

/// Sends one request to a key service, in this process or another.
typealias Send = @Sendable (HTTPRequest.Method, String, JSON?) async throws -> Answer

/// A sequence of changes, each of which leaves a state that differs from the one before.
protocol ChangeScript: Sendable {
    /// Makes change `number`, from 1.
    func make(_ number: Int, _ send: Send) async throws -> Answer
    /// After which of these changes the service is as it is now; nil for none.
    func seen(_ numbers: ClosedRange<Int>, _ send: Send) async throws -> Int?
}

/// One key that gets versions, is changed, deleted and recovered.
struct KeyScript: ChangeScript {
    let name: String

    private struct State: Hashable {
        var isDeleted: Bool
        /// The change that wrote the tag.
        var tag: Int
    }

    private func tags(_ number: Int) -> JSON { ["number": .string(String(number))] }

    /// Known for every other version, which is imported; the rest is made by the service.
    private func material(_ number: Int) -> [UInt8] { Encoding.Digest(of: "\(name) \(number)").bytes }

    func make(_ number: Int, _ send: Send) async throws -> Answer {
        switch number % 8 {
        case 1:
            let k = Base64.encodeURL(material(number))
            return try await send(
                .put, "/keys/\(name)", ["key": ["kty": "oct-HSM", "k": .string(k)], "tags": tags(number)])
        case 5:
            return try await send(
                .post, "/keys/\(name)/create", ["kty": "oct-HSM", "key_size": 256, "tags": tags(number)])
        case 2, 6: return try await send(.patch, "/keys/\(name)", ["tags": tags(number)])
        case 3, 7: return try await send(.delete, "/keys/\(name)", nil)
        default: return try await send(.post, "/deletedkeys/\(name)/recover", nil)
        }
    }

    private func state(after number: Int) -> State? {
        guard number > 0 else { return nil }
        return State(isDeleted: number % 4 == 3, tag: number - [2, 0, 0, 1][number % 4])
    }

    private func state(_ send: Send) async throws -> State? {
        for path in ["/keys/", "/deletedkeys/"] {
            let answer = try await send(.get, path + name, nil)
            if answer.status == 404 { continue }
            let tag = answer.json["tags"]?["number"]?.string.flatMap { Int($0) }
            return State(isDeleted: path == "/deletedkeys/", tag: try #require(tag, "\(answer.json)"))
        }
        return nil
    }

    func seen(_ numbers: ClosedRange<Int>, _ send: Send) async throws -> Int? {
        let state = try await state(send)
        guard let number = numbers.last(where: { self.state(after: $0) == state }) else {
            Issue.record("\(name) is \(String(describing: state)), not as after any of \(numbers)")
            return nil
        }
        if let state, !state.isDeleted { try await checkMaterial(after: number, send) }
        return number
    }

    /// The latest version does what a key of its material does.
    private func checkMaterial(after number: Int, _ send: Send) async throws {
        let value = [UInt8](repeating: 7, count: 32)
        let wrapped = try await send(
            .post, "/keys/\(name)//wrapkey", ["alg": "A256KW", "value": .string(Base64.encodeURL(value))])
        let bytes = try #require(wrapped.json["value"]?.string.flatMap { Base64.decode($0) }, "\(wrapped.json)")
        let made = number - (number - 1) % 4
        if made % 8 == 1 {
            let expected = try AES.KeyWrap.wrap(
                SymmetricKey(data: value), using: SymmetricKey(data: material(made)))
            #expect(bytes == [UInt8](expected))
        } else {
            let unwrapped = try await send(
                .post, "/keys/\(name)//unwrapkey", ["alg": "A256KW", "value": .string(Base64.encodeURL(bytes))])
            #expect(unwrapped.json["value"]?.string == Base64.encodeURL(value))
        }
    }
}

/// The master key, which is rotated.
struct RotationScript: ChangeScript {
    func make(_ number: Int, _ send: Send) async throws -> Answer {
        // Generations must not come faster than they go.
        while try await send(.get, "/masterkey", nil).json["isResealing"] == true {}
        return try await send(.post, "/masterkey/rotate", nil)
    }

    func seen(_ numbers: ClosedRange<Int>, _ send: Send) async throws -> Int? {
        let generations = try await send(.get, "/masterkey", nil).json["generations"]?.array ?? []
        guard let newest = generations.last?.integer, numbers.contains(Int(newest) - 1) else {
            Issue.record("generations \(generations), but \(numbers) rotations")
            return nil
        }
        return Int(newest) - 1
    }
}

/// A script, and what the service said of it.
actor ScriptRun {
    let script: any ChangeScript
    private var sent = 0
    private(set) var acknowledged = 0

    init(_ script: any ChangeScript) { self.script = script }

    /// Makes the next change; whether it was acknowledged.
    func step(_ send: Send) async throws -> Answer {
        let number = acknowledged + 1
        sent = number
        let answer = try await script.make(number, send)
        if answer.status == 200 { acknowledged = number }
        return answer
    }

    /// After a restart: what was acknowledged is there, and what was not may be; that counts from then on.
    func check(_ send: Send) async throws {
        guard let number = try await script.seen(acknowledged...sent, send) else { return }
        (sent, acknowledged) = (number, number)
    }

    /// What was refused was not done.
    func checkStrictly(_ send: Send) async throws {
        sent = acknowledged
        try await check(send)
    }
}
