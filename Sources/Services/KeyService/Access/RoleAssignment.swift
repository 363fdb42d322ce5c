import Encoding

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

    /// - Parameter role: the role of an id.
    init(id: String, stored: JSON, role: (String) throws -> Role?) throws {
        var members = try ObjectReader(stored, "stored assignment", refusing: .blockAuthentication)
        self.id = id
        principal = try members.string("principal")
        let (role, scope) = (try role(try members.string("role")), AccessScope(try members.string("scope")))
        try members.finish()
        guard let role, let scope else {
            throw Refusal(.blockAuthentication, "stored assignment of an unknown role or scope")
        }
        self.role = role
        self.scope = scope
    }
}
