import AttestationToken
import Audit
import Encoding
import Records
import Unit

/// Sign-in inside the channel: whoever terminates TLS never owns a session.
extension PlatformHandler {
    /// `POST /accounts`: the first account of a tenant, opened with the one-time secret whose digest is in the tenant's
    /// policy. The platform's operator has no way to make one (architecture rule 5).
    func createAccount(_ call: Call) async throws(Refusal) -> InnerResponse {
        let json = try call.json()
        var reader = try ObjectReader(json, "the account", refusing: .requestMalformed)
        let secret = try reader.string("enrolment")
        let user = try reader.string("user")
        let password = try reader.string("password")
        try reader.finish()
        try signIns.admit(tenant: call.tenant, user: "")
        let enrolment = Digest(of: secret)
        guard try tenants.policy(of: call.tenant).policy.enrolment.contains(enrolment) else {
            try await recordFailedLogin("account-created", call)
            throw Refusal(.loginInvalid, "the enrolment secret is not one that the hospital's policy names")
        }
        let records = try await tenants.records(of: call.tenant)
        signIns.succeeded(tenant: call.tenant, user: "")
        let hash = try await passwords.hash(password)
        let time = call.time
        let outcome = try await records.once(try call.idempotency(), at: time) { writer throws(Refusal) in
            try writer.addAccount(user: user, passwordHash: hash, enrolment: enrolment, at: time)
            return StoredOutcome(status: 201, body: ["user": .string(user)])
        }
        try await record("account-created", call)
        return .json(outcome.body, status: outcome.status)
    }

    /// `POST /sessions`.
    func signIn(_ call: Call) async throws(Refusal) -> InnerResponse {
        let json = try call.json()
        var reader = try ObjectReader(json, "the sign-in", refusing: .requestMalformed)
        let user = try reader.string("user")
        let password = try reader.string("password")
        try reader.finish()
        try signIns.admit(tenant: call.tenant, user: user)
        let records = try await tenants.records(of: call.tenant)
        let account = try await records.read { reader throws(Refusal) in try reader.account(user: user) }
        guard try await passwords.matches(password, account?.passwordHash) else {
            try await recordFailedLogin("session-begun", call)
            throw Refusal(.loginInvalid, "user or password is wrong")
        }
        signIns.succeeded(tenant: call.tenant, user: user)
        try await record("session-begun", call)
        let session = try sessions.begin(tenant: call.tenant, user: user, at: call.time)
        return .json(
            [
                "session": .string(session.token), "user": .string(user),
                "expires": .integer(session.expires.seconds),
            ], status: 201)
    }
}
