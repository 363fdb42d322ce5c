import Encoding
import HTTPTypes

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
        let place = segments.indices.dropLast().first {
            segments[$0] == "providers" && segments[$0 + 1] == "Microsoft.Authorization"
        }
        if let place {
            self = try KeyRoute(access: segments[(place + 1)...], in: segments[..<place], method)
            return
        }
        switch (segments.removeFirst(), method) {
        case ("keys", _): self = try KeyRoute(keys: segments, method)
        case ("deletedkeys", _): self = try KeyRoute(deleted: segments, method)
        case ("rng", .post) where segments.isEmpty: self = .random
        case ("masterkey", .get) where segments.isEmpty: self = .masterKey
        case ("masterkey", .post) where segments == ["rotate"]: self = .rotateMasterKey
        case ("securitydomain", .post) where segments == ["download"]: self = .downloadDomain
        case ("securitydomain", .post) where segments == ["upload"]: self = .uploadDomain
        case ("secrets", _), ("certificates", _): self = .unsupported(KeyRoute.onlyKeys)
        default: throw KeyRoute.unknown
        }
    }

    private init(keys segments: [String], _ method: HTTPRequest.Method) throws(Refusal) {
        switch (segments.count, method) {
        case (0, .get): self = .list
        case (1, .post) where segments[0] == "restore": self = .restore
        case (1, .get): self = .get(try KeyRoute.name(segments[0]), version: nil)
        case (1, .patch): self = .update(try KeyRoute.name(segments[0]), version: nil)
        case (1, .put): self = .importKey(try KeyRoute.name(segments[0]))
        case (1, .delete): self = .delete(try KeyRoute.name(segments[0]))
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
        case ("backup", .post): self = .backup(name)
        case ("rotate", .post): self = .rotate(name)
        case ("rotationpolicy", .get): self = .rotationPolicy(name)
        case ("rotationpolicy", .put): self = .setRotationPolicy(name)
        case (_, .post): self = try KeyRoute(name: name, version: nil, operation: segment, method)
        case (_, .get): self = .get(name, version: try KeyRoute.version(segment))
        case (_, .patch): self = .update(name, version: try KeyRoute.version(segment))
        default: throw KeyRoute.unknown
        }
    }

    private init(
        name: String, version: String?, operation: String, _ method: HTTPRequest.Method
    ) throws(Refusal) {
        switch method {
        case .post:
            guard let operation = KeyOperation(segment: operation) else { throw KeyRoute.unknown }
            self = .use(operation, name, version: version)
        case .get where operation == "attestation": self = .unsupported(KeyRoute.noKeyAttestation)
        default: throw KeyRoute.unknown
        }
    }

    private init(deleted segments: [String], _ method: HTTPRequest.Method) throws(Refusal) {
        switch (segments.count, method) {
        case (0, .get): self = .listDeleted
        case (1, .get): self = .getDeleted(try KeyRoute.name(segments[0]))
        case (1, .delete): self = .purge(try KeyRoute.name(segments[0]))
        case (2, .post) where segments[1] == "recover": self = .recover(try KeyRoute.name(segments[0]))
        default: throw KeyRoute.unknown
        }
    }

    /// `{scope}/providers/Microsoft.Authorization/roleAssignments[/{id}]`; clients put the scope's own slashes in too.
    private init(
        access segments: ArraySlice<String>, in scope: ArraySlice<String>, _ method: HTTPRequest.Method
    ) throws(Refusal) {
        let scope = try KeyRoute.scope(scope.filter { !$0.isEmpty })
        let rest = Array(segments)
        guard (2...3).contains(rest.count), rest[0] == "Microsoft.Authorization" else { throw KeyRoute.unknown }
        let id = rest.count == 3 ? try KeyRoute.identifier(rest[2]) : nil
        switch (rest[1], method, id) {
        case ("roleAssignments", .get, nil): self = .assignments(scope)
        case ("roleAssignments", .get, let id?): self = .assignment(scope, id: id)
        case ("roleAssignments", .put, let id?): self = .assign(scope, id: id)
        case ("roleAssignments", .delete, let id?): self = .unassign(scope, id: id)
        case ("roleDefinitions", .get, nil): self = .roles(scope)
        case ("roleDefinitions", .get, let id?): self = .role(scope, id: id)
        case ("roleDefinitions", .put, let id?): self = .define(scope, id: id)
        case ("roleDefinitions", .delete, let id?): self = .undefine(scope, id: id)
        default: throw KeyRoute.unknown
        }
    }

    private static func scope(_ segments: [String]) throws(Refusal) -> AccessScope {
        switch (segments.count, segments.first) {
        case (0, _), (1, "%2F"), (1, "%2f"): .everything
        case (1, "keys"): .keys
        case (2, "keys"): .key(try name(segments[1]))
        default: throw unknown
        }
    }

    /// A GUID, in lower case.
    private static func identifier(_ segment: String) throws(Refusal) -> String {
        let parts = segment.lowercased().split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [8, 4, 4, 4, 12], parts.allSatisfy({ Hex.decode($0) != nil }) else {
            throw Refusal(.nameInvalid, "The name of a role or an assignment is a GUID.")
        }
        return parts.joined(separator: "-")
    }

    private static let onlyKeys = "This service keeps keys only: it has no secrets and no certificates."
    private static let noKeyAttestation =
        "Key attestation is a hardware security module's own signed statement, in its vendor's form, that a key was made "
        + "in it and stays there. Keys of this service are made in software and sealed under its master key, so that "
        + "nothing could sign such a statement truthfully."
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
