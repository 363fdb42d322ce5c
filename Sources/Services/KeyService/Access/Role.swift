import Encoding

/// One of the roles that a managed HSM has built in (key API reference, section 13).
struct Role: Hashable, Sendable {
    /// A GUID.
    let id: String
    let name: String
    let description: String
    let actions: Set<KeyAction>

    private static let administration: Set<KeyAction> = [
        .readAssignments, .writeAssignments, .deleteAssignments, .readRoles,
    ]
    private static let domain: Set<KeyAction> = [.downloadDomain, .uploadDomain, .masterKey]
    private static let deleted: Set<KeyAction> = [.readDeleted, .recover, .purge]

    static let builtIn: [Role] = [
        Role(
            id: "a290e904-7015-4bba-90c8-60543313cdb4", name: "Managed HSM Administrator",
            description: "Manages roles, security domain and master key; uses no key.",
            actions: administration.union(domain)),
        Role(
            id: "515eb02d-2335-4d2d-92f2-b1cbdf9c3778", name: "Managed HSM Crypto Officer",
            description: "Manages roles, and reads, recovers and purges deleted keys.",
            actions: administration.union(deleted)),
        Role(
            id: "21dbd100-6940-42c2-9190-5d6cb909625b", name: "Managed HSM Crypto User",
            description: "Manages and uses keys, except deleted ones.",
            actions: Set(KeyAction.allCases).subtracting(administration).subtracting(deleted)
                .subtracting(domain)),
        Role(
            id: "4bd23610-cdcf-4971-bdee-bdc562cc28e4", name: "Managed HSM Policy Administrator",
            description: "Manages role assignments.", actions: administration),
        Role(
            id: "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3", name: "Managed HSM Crypto Auditor",
            description: "Reads keys and deleted keys.", actions: [.read, .readDeleted, .readRoles, .readAssignments]),
        Role(
            id: "33413926-3206-4cdd-b39a-83574fe37a17", name: "Managed HSM Crypto Service Encryption User",
            description: "Reads, wraps and unwraps.", actions: [.read, .wrap, .unwrap]),
        Role(
            id: "21dbd100-6940-42c2-9190-5d6cb909625c", name: "Managed HSM Crypto Service Release User",
            description: "Has keys released.", actions: [.release]),
        Role(
            id: "7b127d3c-77bd-4e3e-bbe0-dbb8971fa7f8", name: "Managed HSM Backup",
            description: "Backs keys up.", actions: [.backup]),
        Role(
            id: "6efe6056-5259-49d2-8b3d-d3d73544b20b", name: "Managed HSM Restore",
            description: "Restores keys.", actions: [.restore]),
    ]

    static func builtIn(_ id: String) -> Role? { builtIn.first { $0.id == id } }

    /// The id as resources carry it.
    var path: String { "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/" + id }

    var json: JSON {
        [
            "id": .string(path), "name": .string(id), "type": "Microsoft.Authorization/roleDefinitions",
            "properties": [
                "assignableScopes": ["/", "/keys"], "description": .string(description),
                "permissions": [
                    [
                        "actions": [],
                        "dataActions": .array(
                            actions.map(\.rawValue).sorted().map { .string(KeyAction.prefix + $0) }),
                        "notActions": [], "notDataActions": [],
                    ]
                ],
                "roleName": .string(name), "type": "AKVBuiltInRole",
            ],
        ]
    }
}

/// Somebody has a role in a scope.
struct RoleAssignment: Hashable, Sendable {
    /// A GUID, chosen by whoever assigned the role.
    var id: String
    var role: Role
    /// The object id, or else the subject, of an access token.
    var principal: String
    var scope: AccessScope

    static let maximumPrincipalLength = 256

    var json: JSON {
        let place = scope == .everything ? "" : scope.text
        return [
            "id": .string("\(place)/providers/Microsoft.Authorization/roleAssignments/\(id)"), "name": .string(id),
            "properties": [
                "principalId": .string(principal), "roleDefinitionId": .string(role.path),
                "scope": .string(scope.text),
            ], "type": "Microsoft.Authorization/roleAssignments",
        ]
    }

    var stored: JSON {
        ["principal": .string(principal), "role": .string(role.id), "scope": .string(scope.text)]
    }

    init(id: String, role: Role, principal: String, scope: AccessScope) {
        self.id = id
        self.role = role
        self.principal = principal
        self.scope = scope
    }

    init(id: String, stored: JSON) throws(Refusal) {
        var members = try ObjectReader(stored, "stored assignment", refusing: .blockAuthentication)
        self.id = id
        principal = try members.string("principal")
        let (role, scope) = (Role.builtIn(try members.string("role")), AccessScope(try members.string("scope")))
        try members.finish()
        guard let role, let scope else {
            throw Refusal(.blockAuthentication, "stored assignment of an unknown role or scope")
        }
        self.role = role
        self.scope = scope
    }
}
