import Encoding

/// What a request asks for, read from its method and path (key API reference, sections 5 and 13).
enum KeyRoute: Hashable, Sendable {
    case create(String)
    case importKey(String)
    /// Without a version: the latest.
    case get(String, version: String?)
    case update(String, version: String?)
    case list
    case versions(String)
    case delete(String)
    case getDeleted(String)
    case listDeleted
    case purge(String)
    case recover(String)
    case backup(String)
    case restore
    case rotate(String)
    case rotationPolicy(String)
    case setRotationPolicy(String)
    /// Every use of a key, release among them.
    case use(KeyOperation, String, version: String?)
    case random
    /// Not of Azure's API.
    case masterKey
    case rotateMasterKey
    case downloadDomain
    case uploadDomain
    case roles(AccessScope)
    case role(AccessScope, id: String)
    case define(AccessScope, id: String)
    case undefine(AccessScope, id: String)
    case assignments(AccessScope)
    case assignment(AccessScope, id: String)
    case assign(AccessScope, id: String)
    case unassign(AccessScope, id: String)
    /// The API has it, this service does not; with why.
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
        case .delete: "key.delete"
        case .getDeleted: "key.get-deleted"
        case .listDeleted: "key.list-deleted"
        case .purge: "key.purge"
        case .recover: "key.recover"
        case .backup: "key.backup"
        case .restore: "key.restore"
        case .rotate: "key.rotate"
        case .rotationPolicy: "key.rotation-policy"
        case .setRotationPolicy: "key.set-rotation-policy"
        case .use(let operation, _, _): "key." + operation.rawValue.lowercased()
        case .random: "key.random"
        case .masterKey: "master-key.get"
        case .rotateMasterKey: "master-key.rotate"
        case .downloadDomain: "security-domain.download"
        case .uploadDomain: "security-domain.upload"
        case .roles, .role: "access.roles"
        case .define: "access.define"
        case .undefine: "access.undefine"
        case .assignments, .assignment: "access.assignments"
        case .assign: "access.assign"
        case .unassign: "access.unassign"
        case .unsupported: "key.unsupported"
        }
    }

    /// The template of the path, for metrics.
    var template: StaticString {
        switch self {
        case .create: "/keys/{name}/create"
        case .importKey, .get(_, version: nil), .update(_, version: nil), .delete: "/keys/{name}"
        case .get, .update: "/keys/{name}/{version}"
        case .list: "/keys"
        case .versions: "/keys/{name}/versions"
        case .getDeleted, .purge: "/deletedkeys/{name}"
        case .listDeleted: "/deletedkeys"
        case .recover: "/deletedkeys/{name}/recover"
        case .backup: "/keys/{name}/backup"
        case .restore: "/keys/restore"
        case .rotate: "/keys/{name}/rotate"
        case .rotationPolicy, .setRotationPolicy: "/keys/{name}/rotationpolicy"
        case .use(.release, _, _): "/keys/{name}/{version}/release"
        case .use: "/keys/{name}/{version}/{operation}"
        case .random: "/rng"
        case .masterKey: "/masterkey"
        case .rotateMasterKey: "/masterkey/rotate"
        case .downloadDomain: "/securitydomain/download"
        case .uploadDomain: "/securitydomain/upload"
        case .roles, .role, .define, .undefine: "/{scope}/roleDefinitions"
        case .assignments, .assignment, .assign, .unassign: "/{scope}/roleAssignments"
        case .unsupported: "unsupported"
        }
    }

    /// Longest body that is read, in bytes.
    var maximumBodyBytes: Int { self == .restore ? 8 << 20 : KeyBody.maximumBytes }

    var hasBody: Bool {
        switch self {
        case .create, .importKey, .update, .restore, .setRotationPolicy, .use, .random, .downloadDomain, .uploadDomain,
            .define, .assign:
            true
        default: false
        }
    }

    /// What the caller must be allowed to do, and where.
    var permission: (action: KeyAction, scope: AccessScope) {
        switch self {
        case .create(let name): (.create, .key(name))
        case .importKey(let name): (.importKey, .key(name))
        case .get(let name, _), .versions(let name), .rotationPolicy(let name): (.read, .key(name))
        case .update(let name, _), .setRotationPolicy(let name): (.write, .key(name))
        case .list: (.read, .keys)
        case .delete(let name): (.delete, .key(name))
        case .getDeleted(let name): (.readDeleted, .key(name))
        case .listDeleted: (.readDeleted, .keys)
        case .purge(let name): (.purge, .key(name))
        case .recover(let name): (.recover, .key(name))
        case .backup(let name): (.backup, .key(name))
        // Which key is in the blob is not known before it is opened.
        case .restore: (.restore, .keys)
        case .rotate(let name): (.rotate, .key(name))
        case .use(let operation, let name, _): (KeyAction(operation), .key(name))
        case .random: (.random, .everything)
        case .masterKey, .rotateMasterKey: (.masterKey, .everything)
        case .downloadDomain: (.downloadDomain, .everything)
        case .uploadDomain: (.uploadDomain, .everything)
        case .roles(let scope), .role(let scope, _): (.readRoles, scope)
        case .define(let scope, _): (.writeRoles, scope)
        case .undefine(let scope, _): (.deleteRoles, scope)
        case .assignments(let scope), .assignment(let scope, _): (.readAssignments, scope)
        case .assign(let scope, _): (.writeAssignments, scope)
        case .unassign(let scope, _): (.deleteAssignments, scope)
        case .unsupported: (.read, .everything)
        }
    }
}
