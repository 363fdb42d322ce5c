public import Encoding
import Foundation
import GRDB

/// A member of the hospital's staff who can sign in.
public struct Account: Sendable, Hashable {
    public var id: RecordID
    public var user: String
    /// What the password library printed (parameters, salt and hash); opaque here.
    public var passwordHash: String
}

extension RecordReading {
    /// The account of a user name; nil when the tenant has none.
    public func account(user: String) throws(Refusal) -> Account? {
        for (id, json) in try rows.all(.account, limit: RecordWriter.maximumAccounts)
        where json["user"]?.string == user {
            guard let id = RecordID(id), let hash = json["passwordHash"]?.string else { continue }
            return Account(id: id, user: user, passwordHash: hash)
        }
        return nil
    }
}

extension RecordWriter {
    /// Accounts that a tenant can have. A search decrypts them all: there is no blind index over names (rule 32).
    public static let maximumAccounts = 1_000

    /// Creates an account and uses up the one-time enrolment secret.
    ///
    /// - Parameter enrolment: digest of the secret; that it stands in the tenant's policy is the caller's check.
    /// - Throws: `login-invalid` when the secret was used before, `conflict` when the user exists, `too-many`.
    /// - Source: architecture rule 5.
    @discardableResult public func addAccount(
        user: String, passwordHash: String, enrolment: Digest, at time: Timestamp
    ) throws(Refusal) -> Account {
        guard (1...128).contains(user.utf8.count) else {
            throw Refusal(.requestMalformed, "a user name has 1 to 128 bytes")
        }
        guard try account(user: user) == nil else { throw Refusal(.conflict, "the user exists") }
        guard try rows.count(.account) < RecordWriter.maximumAccounts else {
            throw Refusal(.tooMany, "the tenant has as many accounts as it can have")
        }
        let isFirstUse = try stored {
            try rows.database.execute(
                sql: "INSERT OR IGNORE INTO enrolments (tenant, digest) VALUES (?, ?)",
                arguments: [rows.tenant, Data(enrolment.bytes)])
            return rows.database.changesCount == 1
        }
        guard isFirstUse else { throw Refusal(.loginInvalid, "the enrolment secret was used before") }
        let account = Account(id: newID(), user: user, passwordHash: passwordHash)
        let value: JSON = ["user": .string(user), "passwordHash": .string(passwordHash)]
        try rows.put(value, .account, account.id.description, at: time)
        return account
    }
}
