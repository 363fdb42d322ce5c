/// Where a role holds (key API reference, section 13).
enum AccessScope: Hashable, Sendable {
    /// `/`.
    case everything
    /// `/keys`.
    case keys
    /// `/keys/{name}`.
    case key(String)

    var text: String {
        switch self {
        case .everything: "/"
        case .keys: "/keys"
        case .key(let name): "/keys/" + name
        }
    }

    /// The scopes whose roles hold here.
    var covering: [AccessScope] {
        switch self {
        case .everything: [self]
        case .keys: [.everything, self]
        case .key: [.everything, .keys, self]
        }
    }

    /// Nil for anything but what `text` writes.
    init?(_ text: String) {
        switch text {
        case "/": self = .everything
        case "/keys": self = .keys
        default:
            guard text.hasPrefix("/keys/"), !text.dropFirst(6).contains("/") else { return nil }
            self = .key(String(text.dropFirst(6)))
        }
    }
}

/// What a role may allow: the data actions of a managed HSM, without their prefix (key API reference, section 13).
enum KeyAction: String, Sendable, CaseIterable {
    case read = "keys/read/action"
    case write = "keys/write/action"
    case create = "keys/create"
    case delete = "keys/delete"
    case importKey = "keys/import/action"
    case rotate = "keys/rotate/action"
    case release = "keys/release/action"
    case backup = "keys/backup/action"
    case restore = "keys/restore/action"
    case encrypt = "keys/encrypt/action"
    case decrypt = "keys/decrypt/action"
    case wrap = "keys/wrap/action"
    case unwrap = "keys/unwrap/action"
    case sign = "keys/sign/action"
    case verify = "keys/verify/action"
    case readDeleted = "keys/deletedKeys/read/action"
    case recover = "keys/deletedKeys/recover/action"
    case purge = "keys/deletedKeys/delete"
    case random = "rng/action"
    case downloadDomain = "securitydomain/download/action"
    case uploadDomain = "securitydomain/upload/action"
    /// Not of Azure's, whose master keys are the vendor's affair.
    case masterKey = "masterkey/rotate/action"
    case readAssignments = "roleAssignments/read/action"
    case writeAssignments = "roleAssignments/write/action"
    case deleteAssignments = "roleAssignments/delete/action"
    case readRoles = "roleDefinitions/read/action"
    case writeRoles = "roleDefinitions/write/action"
    case deleteRoles = "roleDefinitions/delete/action"

    static let prefix = "Microsoft.KeyVault/managedHsm/"

    /// What a data action of a role definition stands for, with or without the prefix; `*` at its end for all that begin
    /// so. Nil when it stands for nothing.
    static func matching(_ text: String) -> Set<KeyAction>? {
        let name = text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
        let found = allCases.filter { action in
            name.hasSuffix("*") ? action.rawValue.hasPrefix(name.dropLast()) : action.rawValue == name
        }
        return found.isEmpty ? nil : Set(found)
    }

    init(_ operation: KeyOperation) {
        self =
            switch operation {
            case .encrypt: .encrypt
            case .decrypt: .decrypt
            case .wrapKey: .wrap
            case .unwrapKey: .unwrap
            case .sign: .sign
            case .verify: .verify
            case .release: .release
            }
    }
}
