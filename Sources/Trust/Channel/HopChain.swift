public import Encoding

/// The hops of one diagnosis: every request with its answer, parents before children, all grown from one root.
///
/// Only the structure is checked here; signatures and tokens are the caller's.
public struct HopChain: Sendable {
    /// The most hops in one chain.
    public static let maximumHops = 8

    public let hops: [HopStatement]

    /// - Throws: `chain-limits` for more than eight hops; `chain-broken` when one is missing, repeated, out of order, of
    ///   another exchange, without its answer, or older than its parent.
    public init(_ hops: [HopStatement]) throws(Refusal) {
        guard hops.count <= HopChain.maximumHops else {
            throw Refusal(.chainLimits, "a chain has at most \(HopChain.maximumHops) hops")
        }
        guard let first = hops.first, first.content.kind == .request, first.content.parent == nil else {
            throw Refusal(.chainBroken, "a chain begins with a request that has no parent")
        }
        var earlier: [Digest: HopStatement] = [:]
        var answered: Set<Digest> = []
        for hop in hops {
            guard earlier.updateValue(hop, forKey: hop.digest) == nil else {
                throw Refusal(.chainBroken, "a hop is repeated")
            }
            guard hop != first else { continue }
            // A cycle would need a parent that comes later, so that order alone excludes it.
            guard let digest = hop.content.parent, digest != hop.digest, let parent = earlier[digest] else {
                throw Refusal(.chainBroken, "the parent of a hop is not among the hops before it")
            }
            guard hop.content.issuedAt >= parent.content.issuedAt else {
                throw Refusal(.chainBroken, "a hop is older than its parent")
            }
            guard hop.content.kind == .response else { continue }
            try HopChain.requireAnswer(hop, to: parent)
            guard answered.insert(digest).inserted else {
                throw Refusal(.chainBroken, "a request has two answers")
            }
        }
        guard hops.allSatisfy({ $0.content.kind == .response || answered.contains($0.digest) }) else {
            throw Refusal(.chainBroken, "the answer to a request is missing")
        }
        self.hops = hops
    }

    private static func requireAnswer(_ answer: HopStatement, to request: HopStatement) throws(Refusal) {
        guard request.content.kind == .request, answer.content.receiver == request.content.receiver,
            answer.content.enc == request.content.enc, answer.content.suite == request.content.suite,
            answer.content.request == request.content.request, answer.keyID != request.keyID
        else { throw Refusal(.chainBroken, "an answer belongs to another exchange than its parent") }
    }
}
