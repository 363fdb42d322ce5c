import AttestationToken
import Encoding
import Records
import Synchronization
import Unit

/// Opens the records of a tenant with the key that the tenant's own key service released to this unit.
final class Tenants: Sendable {
    private let runtime: UnitRuntime
    private let store: RecordStore
    private let recordKey: String
    private let opened = Mutex<[Digest: (keyID: String, records: TenantRecords)]>([:])

    init(runtime: UnitRuntime, store: RecordStore, recordKey: String) {
        self.runtime = runtime
        self.store = store
        self.recordKey = recordKey
    }

    /// The tenant's policy; only it names key services, issuers and peers for the tenant's data (architecture rule 4).
    ///
    /// - Throws: `not-found` for a tenant that this platform does not serve.
    func policy(of tenant: Digest) throws(Refusal) -> TrustedPolicy {
        guard let policy = runtime.policies.tenants[tenant] else {
            throw Refusal(.notFound, "this platform does not serve that tenant")
        }
        return policy
    }

    /// The tenant's records under a live lease of its record key.
    ///
    /// - Throws: `not-found`; the key service's refusal; `unavailable` when no key service of the tenant answers.
    func records(of tenant: Digest) async throws(Refusal) -> TenantRecords {
        let policy = try policy(of: tenant).policy
        var refusal = Refusal(.insecureConfiguration, "the tenant's policy names no key service")
        for service in policy.keyServices {
            do throws(Refusal) {
                let lease = try await runtime.leases.lease(
                    KeyLeases.Name(service: service, authorities: policy.authorities, key: recordKey))
                return try records(of: tenant, under: lease)
            } catch {
                opened.withLock { _ = $0.removeValue(forKey: tenant) }
                refusal = error
            }
        }
        throw refusal
    }

    private func records(of tenant: Digest, under lease: KeyLeases.Lease) throws(Refusal) -> TenantRecords {
        if let held = opened.withLock({ $0[tenant] }), held.keyID == lease.keyID { return held.records }
        let version = lease.keyID.split(separator: "/").last.map(String.init) ?? lease.keyID
        let records = store.records(
            of: try RowCipher(tenant: tenant, keyVersion: version, releasedKey: lease.secret))
        opened.withLock { $0[tenant] = (lease.keyID, records) }
        return records
    }

    /// Why the first tenant whose records cannot be opened is locked; nil when all are open.
    func firstLocked() async -> Refusal? {
        for tenant in runtime.policies.tenants.keys {
            do throws(Refusal) { _ = try await records(of: tenant) } catch { return error }
        }
        return nil
    }
}
