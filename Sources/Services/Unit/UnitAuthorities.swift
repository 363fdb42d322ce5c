package import AttestationToken
import Encoding
import KeyRelease

/// The attestation services by whose word others judge a unit.
package struct UnitAuthorities: Sendable {
    /// Those of the party that runs the unit: without them it is no unit.
    package let own: AuthoritySet
    /// Those of each tenant: without them this tenant is not served.
    package let tenants: [AuthoritySet]

    package init(own: AuthoritySet, tenants: [AuthoritySet] = []) {
        self.own = own
        self.tenants = tenants
    }

    var all: [AuthoritySet] { [own] + tenants }
}

/// Asks the issuers about one unit's keys.
struct Witnesses: Sendable {
    /// Each issuer's token, verified under its own pins, or why there is none.
    typealias Answers = [PartyPolicy.Issuer: Result<AttestationToken, Refusal>]

    let request: AttestationRequest
    let runtimeData: [UInt8]
    let party: Digest
    let attestation: AttestationClient
    let directory: IssuerDirectory

    /// Each service is asked once, and all at the same time, so that one that hangs holds up nobody else.
    func answers(of issuers: Set<PartyPolicy.Issuer>) async -> Answers {
        await withTaskGroup(of: Answers.self) { group in
            for (url, issuers) in Dictionary(grouping: issuers, by: \.url) {
                group.addTask { await answers(of: issuers, at: url) }
            }
            var all: Answers = [:]
            for await answers in group { all.merge(answers) { $1 } }
            return all
        }
    }

    /// Policies may pin different keys for one URL: its token counts for those whose pins it satisfies.
    private func answers(of issuers: [PartyPolicy.Issuer], at url: String) async -> Answers {
        var answers: Answers = [:]
        do throws(Refusal) {
            let compact = try await attestation.token(for: request, from: url)
            for issuer in issuers {
                do throws(Refusal) { answers[issuer] = .success(try await verify(compact, of: issuer)) } catch {
                    answers[issuer] = .failure(error)
                }
            }
        } catch {
            for issuer in issuers { answers[issuer] = .failure(error) }
        }
        return answers
    }

    private func verify(_ compact: String, of issuer: PartyPolicy.Issuer) async throws(Refusal) -> AttestationToken {
        let token = try await directory.verify(compact, issuers: [issuer])
        guard token.runtimeDataBytes == runtimeData else {
            throw Refusal(.bindingMismatch, "the token speaks of other keys than this unit's")
        }
        guard token.hostData.prefix(32).elementsEqual(party.bytes) else {
            throw Refusal(.configMismatch, "this unit's host data is not the party that its policy names")
        }
        return token
    }
}

extension AuthoritySet {
    /// - Throws: as `requireQuorum(_:refused:)`, for those of the answers that are of this set's issuers.
    func requireQuorum(_ answers: Witnesses.Answers) throws(Refusal) {
        try requireQuorum(
            issuers.compactMap { try? answers[$0]?.get().issued }, refused: issuers.compactMap { answers[$0]?.refusal })
    }
}

extension Result where Failure == Refusal {
    var refusal: Refusal? {
        if case .failure(let refusal) = self { refusal } else { nil }
    }
}
