import Encoding

/// What somebody may do: one of the roles that a managed HSM has built in, or one that an administrator defined (key API
/// reference, section 13).
struct Role: Hashable, Sendable {
    /// A GUID.
    let id: String
    let name: String
    let description: String
    let actions: Set<KeyAction>
    var isBuiltIn = true

    private static let administration: Set<KeyAction> = [
        .readAssignments, .writeAssignments, .deleteAssignments, .readRoles, .writeRoles, .deleteRoles,
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
                "roleName": .string(name), "type": isBuiltIn ? "AKVBuiltInRole" : "CustomRole",
            ],
        ]
    }
}

// MARK: Roles that an administrator defines

extension Role {
    /// Reads the body of a definition.
    ///
    /// - Throws: the API's 400 with what is wrong.
    init(id: String, _ body: KeyBody) throws(APIError) {
        guard let properties = try body.object("properties") else {
            throw .badParameter("Property properties is missing.")
        }
        let (name, description) = (try properties.string("roleName") ?? "", try properties.string("description") ?? "")
        guard name.utf8.count <= 512, description.utf8.count <= 2_048 else {
            throw .badParameter("roleName or description is too long.")
        }
        var actions: Set<KeyAction> = []
        for permission in properties.value("permissions")?.array ?? [] {
            let (granted, withheld) = (
                try Role.actions(permission["dataActions"]), try Role.actions(permission["notDataActions"])
            )
            actions.formUnion(granted.subtracting(withheld))
        }
        self.init(id: id, name: name, description: description, actions: actions, isBuiltIn: false)
    }

    private static func actions(_ names: JSON?) throws(APIError) -> Set<KeyAction> {
        var actions: Set<KeyAction> = []
        for name in names?.array ?? [] {
            guard let matching = name.string.flatMap(KeyAction.matching) else {
                throw .badParameter("A data action of the role is not known.")
            }
            actions.formUnion(matching)
        }
        return actions
    }

    var stored: JSON {
        [
            "actions": .array(actions.map(\.rawValue).sorted().map { .string($0) }),
            "description": .string(description), "name": .string(name),
        ]
    }

    init(id: String, stored: JSON) throws(Refusal) {
        var members = try ObjectReader(stored, "stored role", refusing: .blockAuthentication)
        let (names, name) = (try members.strings("actions"), try members.string("name"))
        self.init(
            id: id, name: name, description: try members.string("description"),
            actions: Set(names.compactMap(KeyAction.init(rawValue:))), isBuiltIn: false)
        try members.finish()
    }
}
