public import Encoding
import Evidence

/// Attestation services of which some must agree before a relying party believes what they say (k of n).
///
/// Services count as different only when their names, their pinned issuer keys and their signing keys all differ: two
/// names in front of one key are one service, and so are two spellings of one name. A token that does not verify does not count, so that n − k services may
/// fail; but those that verify must agree, since one that says something else is a fault that somebody must look at.
public struct AuthoritySet: Hashable, Sendable {
    /// Most tokens about one unit that are looked at.
    public static let maximumTokens = 8

    public let issuers: [PartyPolicy.Issuer]
    /// How many must agree; at least 1.
    public let threshold: Int64

    public init(issuers: [PartyPolicy.Issuer], threshold: Int64 = 1) {
        self.issuers = issuers
        self.threshold = max(1, threshold)
    }

    /// Verifies tokens about one unit, each under its own issuer's pinned keys, and that enough of them agree.
    ///
    /// - Parameters: as `IssuedToken.verify`.
    /// - Returns: every token that verified, in the order given.
    /// - Throws: `quorum-not-met` when too few count or two disagree; with a threshold of one and no token that verifies,
    ///   the first token's own refusal.
    public func verify(
        _ compacts: [String], keySets: [String: IssuerKeySet], revocations: [String: RevocationList]? = nil,
        at time: Timestamp, maximumAge: Int64 = 3_600
    ) throws(Refusal) -> [IssuedToken] {
        guard compacts.count <= Self.maximumTokens else {
            throw Refusal(.tokenMalformed, "more than \(Self.maximumTokens) tokens about one unit")
        }
        var tokens: [IssuedToken] = []
        var refused: [Refusal] = []
        for compact in compacts {
            do throws(Refusal) {
                tokens.append(
                    try IssuedToken.verify(
                        compact, issuers: issuers, keySets: keySets, revocations: revocations, at: time,
                        maximumAge: maximumAge))
            } catch { refused.append(error) }
        }
        try requireQuorum(tokens, refused: refused)
        return tokens
    }

    /// Whether verified tokens of these issuers agree and are enough.
    ///
    /// - Parameter refused: why other tokens about the unit did not verify.
    /// - Throws: as `verify`.
    public func requireQuorum(_ tokens: [IssuedToken], refused: [Refusal] = []) throws(Refusal) {
        guard let first = tokens.first else {
            if threshold == 1, let refusal = refused.first { throw refusal }
            throw tooFew(0, refused)
        }
        for token in tokens.dropFirst() {
            if let difference = first.difference(from: token) {
                throw Refusal(.quorumNotMet, "\(first.issuer.url) and \(token.issuer.url) disagree about \(difference)")
            }
        }
        let count = independent(tokens)
        guard count >= threshold else { throw tooFew(count, refused) }
    }

    /// The number of services behind tokens: each name and each key counts once.
    private func independent(_ tokens: [IssuedToken]) -> Int {
        var names: Set<String> = []
        var keys: Set<Digest> = []
        for token in tokens where !names.contains(token.issuer.name) {
            guard keys.isDisjoint(with: [token.issuerPin, token.signingPin]) else { continue }
            names.insert(token.issuer.name)
            keys.formUnion([token.issuerPin, token.signingPin])
        }
        return names.count
    }

    private func tooFew(_ count: Int, _ refused: [Refusal]) -> Refusal {
        let reasons = refused.isEmpty ? "" : "; refused: " + refused.map(\.name).joined(separator: ", ")
        return Refusal(
            .quorumNotMet,
            "\(count) of the \(threshold) independent attestation services that must agree vouch for this unit\(reasons)"
        )
    }
}

extension PartyPolicy {
    /// Whom this party believes, and how many of them must agree.
    public var authorities: AuthoritySet { AuthoritySet(issuers: issuers, threshold: threshold) }
}

// MARK: Agreement

extension IssuedToken {
    /// What evidence says about a program, by attestation type: names of claims that must be there, and the beginning of
    /// the names of all others, which must be equal where both tokens have them.
    private static let evidenceClaims: [String: (prefix: String, required: [String])] = [
        "sgx": ("x-ms-sgx-", ["x-ms-sgx-mrenclave", "x-ms-sgx-report-data"]),
        "sevsnpvm": ("x-ms-sevsnpvm-", ["x-ms-sevsnpvm-launchmeasurement", "x-ms-sevsnpvm-reportdata"]),
        "tdxvm": ("tdx_", ["tdx_mrtd", "tdx_report_data"]),
    ]
    /// What a service judged with, rather than what it judged.
    private static let judgementClaims: Set<String> = ["x-ms-sgx-collateral", "x-ms-sgx-tcbidentifier"]

    /// What two tokens disagree about: other keys, another program, another environment; nil when they agree.
    func difference(from other: IssuedToken) -> String? {
        let type = claims["x-ms-attestation-type"]?.string ?? ""
        guard other.claims["x-ms-attestation-type"]?.string == type, let names = Self.evidenceClaims[type] else {
            return "the kind of evidence"
        }
        guard let runtime = claims["x-ms-runtime"], runtime == other.claims["x-ms-runtime"] else {
            return "the unit's keys"
        }
        guard grade == other.grade else { return "the grade" }
        for name in names.required {
            guard let value = claims[name], value == other.claims[name] else { return name }
        }
        let theirs = other.claims.object ?? [:]
        return (claims.object ?? [:]).first { name, value in
            name.hasPrefix(names.prefix) && !Self.judgementClaims.contains(name)
                && theirs[name].map { $0 != value } ?? false
        }?.key
    }
}
