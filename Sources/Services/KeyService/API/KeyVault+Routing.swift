import Encoding
import ServiceKit

extension KeyVault {
    /// Does what an authorised caller asks for.
    func answer(
        _ route: KeyRoute, _ call: Call, _ caller: Caller, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        switch route {
        case .create(let name): return try await create(name, call, caller, &decision)
        case .importKey(let name): return try await importKey(name, call, caller, &decision)
        case .get(let name, let version): return try await get(name, version: version, call, &decision)
        case .update(let name, let version): return try await update(name, version: version, call, &decision)
        case .list: return try await list(call)
        case .versions(let name): return try await versions(name, call, &decision)
        case .delete(let name): return try await delete(name, call, &decision)
        case .getDeleted(let name): return try await getDeleted(name, call, &decision)
        case .listDeleted: return try await list(call, deleted: true)
        case .purge(let name): return try await purge(name, &decision)
        case .recover(let name): return try await recover(name, call, &decision)
        case .backup(let name): return try await backup(name, &decision)
        case .restore: return try await restore(call, &decision)
        case .rotate(let name): return try await rotate(name, call, &decision)
        case .rotationPolicy(let name): return try await rotationPolicy(name, call, &decision)
        case .setRotationPolicy(let name): return try await setRotationPolicy(name, call, &decision)
        case .use(.release, let name, let version):
            return try await release(name, version: version, call, caller, &decision)
        case .use(let operation, let name, let version):
            return try await use(operation, name, version: version, call, &decision)
        case .random: return try await random(call)
        case .masterKey: return describeMasterKey()
        case .rotateMasterKey: return try await rotateMasterKey(&decision)
        case .downloadDomain: return try await downloadDomain(call, &decision)
        case .uploadDomain: return try await uploadDomain(call, &decision)
        case .roles, .role, .define, .undefine, .assignments, .assignment, .assign, .unassign:
            return try await access(route, call, &decision)
        case .unsupported(let why): throw APIError(Refusal(.notImplemented, why))
        }
    }
}
