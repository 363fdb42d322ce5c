import Encoding
import HTTPTypes

/// What a request asks for, read from its method and path (key API reference, section 5).
enum KeyRoute: Hashable, Sendable {
    case create(String)
    case importKey(String)
    /// Without a version: the latest.
    case get(String, version: String?)
    case update(String, version: String?)
    case list
    case versions(String)
    case release(String, version: String?)
    /// The API has it, this service does not yet.
    case unsupported(String)

    /// The name of the operation in audit records.
    var event: String {
        switch self {
        case .create: "key.create"
        case .importKey: "key.import"
        case .get: "key.get"
        case .update: "key.update"
        case .list: "key.list"
        case .versions: "key.versions"
        case .release: "key.release"
        case .unsupported: "key.unsupported"
        }
    }

    /// The template of the path, for metrics.
    var template: StaticString {
        switch self {
        case .create: "/keys/{name}/create"
        case .importKey, .get(_, version: nil), .update(_, version: nil): "/keys/{name}"
        case .get, .update: "/keys/{name}/{version}"
        case .list: "/keys"
        case .versions: "/keys/{name}/versions"
        case .release: "/keys/{name}/{version}/release"
        case .unsupported: "unsupported"
        }
    }
}

// MARK: Reading

extension KeyRoute {
    /// Reads the path as it arrived. Nothing is decoded: no name or version of the API needs an escape, so a per cent
    /// sign can only be a trick (AC-072).
    ///
    /// Tolerated, because clients send them: a trailing slash, and an empty segment where a version may stand.
    init(method: HTTPRequest.Method, path: String) throws(Refusal) {
        var segments = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard segments.first == "", segments.count >= 2, path.utf8.count <= 1_024 else { throw KeyRoute.unknown }
        segments.removeFirst()
        if segments.count > 1, segments.last == "" { segments.removeLast() }
        switch (segments.removeFirst(), method) {
        case ("keys", _): self = try KeyRoute(keys: segments, method)
        case ("deletedkeys", _): self = .unsupported("deleted keys")
        case ("rng", .post) where segments.isEmpty: self = .unsupported("random bytes")
        case ("secrets", _), ("certificates", _): self = .unsupported("secrets and certificates")
        default: throw KeyRoute.unknown
        }
    }

    private init(keys segments: [String], _ method: HTTPRequest.Method) throws(Refusal) {
        switch (segments.count, method) {
        case (0, .get): self = .list
        case (1, .post) where segments[0] == "restore": self = .unsupported("restore")
        case (1, .get): self = .get(try KeyRoute.name(segments[0]), version: nil)
        case (1, .patch): self = .update(try KeyRoute.name(segments[0]), version: nil)
        case (1, .put): self = .importKey(try KeyRoute.name(segments[0]))
        case (1, .delete): self = .unsupported("delete")
        case (2, _): self = try KeyRoute(name: try KeyRoute.name(segments[0]), segments[1], method)
        case (3, _):
            let name = try KeyRoute.name(segments[0])
            let version = segments[1].isEmpty ? nil : try KeyRoute.version(segments[1])
            self = try KeyRoute(name: name, version: version, operation: segments[2], method)
        default: throw KeyRoute.unknown
        }
    }

    private init(name: String, _ segment: String, _ method: HTTPRequest.Method) throws(Refusal) {
        switch (segment, method) {
        case ("create", .post): self = .create(name)
        case ("versions", .get): self = .versions(name)
        case ("release", .post): self = .release(name, version: nil)
        case ("backup", .post): self = .unsupported("backup")
        case ("rotate", .post): self = .unsupported("rotate")
        case ("rotationpolicy", .get), ("rotationpolicy", .put): self = .unsupported("rotation policy")
        case (_, .get): self = .get(name, version: try KeyRoute.version(segment))
        case (_, .patch): self = .update(name, version: try KeyRoute.version(segment))
        default: throw KeyRoute.unknown
        }
    }

    private init(
        name: String, version: String?, operation: String, _ method: HTTPRequest.Method
    ) throws(Refusal) {
        switch (operation, method) {
        case ("release", .post): self = .release(name, version: version)
        case ("encrypt", .post), ("decrypt", .post): self = .unsupported("encrypt and decrypt")
        case ("wrapkey", .post), ("unwrapkey", .post): self = .unsupported("wrap and unwrap")
        case ("sign", .post), ("verify", .post): self = .unsupported("sign and verify")
        case ("attestation", .get): self = .unsupported("key attestation")
        default: throw KeyRoute.unknown
        }
    }

    private static let unknown = Refusal(.notFound, "There is nothing here.")

    /// 1 to 127 of `0-9A-Za-z-`.
    private static func name(_ segment: String) throws(Refusal) -> String {
        let isName = segment.utf8.allSatisfy { character in
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isName, (1...127).contains(segment.utf8.count) else {
            throw Refusal(.nameInvalid, "A key name has 1 to 127 letters, digits and hyphens.")
        }
        return segment
    }

    /// 32 lower-case hex digits.
    private static func version(_ segment: String) throws(Refusal) -> String {
        guard segment.utf8.count == 32, let bytes = Hex.decode(segment), Hex.encode(bytes) == segment else {
            throw Refusal(.nameInvalid, "A key version has 32 lower-case hexadecimal digits.")
        }
        return segment
    }
}
