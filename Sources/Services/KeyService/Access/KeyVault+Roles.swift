import Audit
import Encoding
import ServiceKit

// Who may do what: roles, assigned per vault and per key (key API reference, section 13).
extension KeyVault {
    func access(
        _ route: KeyRoute, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        switch route {
        case .roles:
            let defined = try await store.read { try $0.definedRoles() }
            return .json(["value": .array((Role.builtIn + defined).map(\.json))])
        case .role(_, let id): return .json(try await store.read { try $0.existingRole(id) }.json)
        case .define(let scope, let id): return try await define(scope, id: id, call, &decision)
        case .undefine(let scope, let id): return try await undefine(scope, id: id, &decision)
        case .assignments(let scope): return try await assignments(scope, call)
        case .assignment(let scope, let id):
            return .json(try await store.read { try $0.assignment(id, in: scope) }.json)
        case .assign(let scope, let id): return try await assign(scope, id: id, call, &decision)
        default: break
        }
        guard case .unassign(let scope, let id) = route else { throw KeyVault.noSuchRole }
        return try await unassign(scope, id: id, &decision)
    }

    fileprivate static let noSuchRole = APIError(
        status: 404, code: "RoleDefinitionNotFound", message: "Requested role definition was not found.",
        refusal: Refusal(.notFound, "there is no role of that id"))

    // MARK: Definitions

    /// Makes a role, or changes one: those who have it have it so from the next request on.
    private func define(
        _ scope: AccessScope, id: String, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = scope.text
        let role = try Role(id: id, try call.body())
        guard scope == .everything, Role.builtIn(id) == nil else {
            throw .badParameter("Roles are defined for the scope /, under ids that no built-in role has.")
        }
        try await change(&decision) { keys in
            guard try keys.role(id) != nil || keys.definedRoles().count < KeyTransaction.maximumRoles else {
                throw Refusal(.conflict, "There are \(KeyTransaction.maximumRoles) role definitions already.")
            }
            try keys.save(role)
        }
        return .json(role.json, status: 201)
    }

    private func undefine(
        _ scope: AccessScope, id: String, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = scope.text
        let removed = try await change(&decision) { keys in
            let role = try keys.existingRole(id)
            guard try !role.isBuiltIn && !keys.isAssigned(role: id) else {
                throw Refusal(.conflict, "A role that is built in, or assigned to somebody, cannot be deleted.")
            }
            try keys.removeRole(id)
            return role
        }
        return .json(removed.json)
    }

    fileprivate static let noSuchAssignment = APIError(
        status: 404, code: "RoleAssignmentNotFound", message: "Requested role assignment was not found.",
        refusal: Refusal(.notFound, "there is no role assignment of that id"))

    /// Those that hold in the scope, and at the vault's root all of them.
    private func assignments(_ scope: AccessScope, _ call: Call) async throws(APIError) -> ServerResponse {
        let page = try Page(call)
        let (found, next) = try await store.read { keys in
            let found = try keys.assignments(after: page.after, limit: page.size + 1)
            return (found.prefix(page.size), found.count > page.size ? found[page.size - 1].id : nil)
        }
        let items = found.filter { scope == .everything || scope.covering.contains($0.scope) }.map(\.json)
        let place = scope == .everything ? "" : scope.text
        return .json(
            page.answer(
                items, next: next, path: "\(place)/providers/Microsoft.Authorization/roleAssignments", call))
    }

    private func assign(
        _ scope: AccessScope, id: String, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = scope.text
        guard let properties = try call.body().object("properties"),
            let principal = try properties.string("principalId"), !principal.isEmpty,
            principal.utf8.count <= RoleAssignment.maximumPrincipalLength,
            let definition = try properties.string("roleDefinitionId")
        else { throw .badParameter("Properties principalId and roleDefinitionId are needed.") }
        let roleID = definition.split(separator: "/").last.map { $0.lowercased() } ?? ""
        let assignment = try await change(&decision) { keys in
            let role = try keys.existingRole(roleID)
            let assignment = RoleAssignment(id: id, role: role, principal: principal, scope: scope)
            guard try keys.assignment(id) == nil,
                try !keys.assignments(of: principal).contains(where: { $0.role == role && $0.scope == scope })
            else { throw Refusal(.conflict, "The role assignment already exists.") }
            try keys.save(assignment)
            return assignment
        }
        return .json(assignment.json, status: 201)
    }

    private func unassign(
        _ scope: AccessScope, id: String, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = scope.text
        let removed = try await change(&decision) { keys in
            let assignment = try keys.assignment(id, in: scope)
            try keys.removeAssignment(id)
            return assignment
        }
        return .json(removed.json)
    }
}

extension KeyTransaction {
    /// - Throws: the API's 404.
    fileprivate func existingRole(_ id: String) throws -> Role {
        guard let role = try role(id) else { throw KeyVault.noSuchRole }
        return role
    }

    /// - Throws: the API's 404 when there is no such assignment in exactly that scope.
    fileprivate func assignment(_ id: String, in scope: AccessScope) throws -> RoleAssignment {
        guard let assignment = try assignment(id), assignment.scope == scope else { throw KeyVault.noSuchAssignment }
        return assignment
    }
}
