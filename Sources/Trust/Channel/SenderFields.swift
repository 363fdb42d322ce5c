import AttestationToken
import Encoding

/// What a unit adds to a message that it sends: its token, the salt of the commitment, and its hop statement, as the
/// last three fields in this order.
///
/// - Source: formats, section 4.
public struct SenderFields: Hashable, Sendable {
    /// `cloister-token`: the compact tokens, not yet verified; one, or several with a comma between them.
    public let tokens: [String]
    /// `cloister-salt`: 32 bytes.
    public let salt: [UInt8]
    /// `cloister-hop`: read, not yet verified.
    public let hop: HopStatement

    static let names = ["cloister-token", "cloister-salt", "cloister-hop"]
    /// Longest one token that is carried, in bytes.
    static let maximumTokenBytes = 64 << 10

    var fields: [BinaryField] {
        [
            BinaryField(SenderFields.names[0], tokens.joined(separator: ",")),
            BinaryField(SenderFields.names[1], Base64.encodeURL(salt)),
            BinaryField(SenderFields.names[2], hop.compact),
        ]
    }

    /// Refuses a message that already carries one of the fields.
    static func requireAbsent(in fields: [BinaryField]) throws(Refusal) {
        guard !fields.contains(where: { names.contains($0.name) }) else {
            throw Refusal(.transcriptMismatch, "the message already carries a sender's statement")
        }
    }

    /// Takes the three fields off a message.
    ///
    /// - Throws: `peer-unattested` when some are there and one is missing, `transcript-mismatch` when they are not the
    ///   last three in their order, `token-malformed` when one is not of its form.
    static func split(_ fields: [BinaryField]) throws(Refusal) -> (rest: [BinaryField], sender: SenderFields?) {
        let present = fields.filter { names.contains($0.name) }
        guard !present.isEmpty else { return (fields, nil) }
        guard present.count == names.count else {
            throw Refusal(.peerUnattested, "the sender's token, salt or hop statement is missing")
        }
        guard fields.suffix(names.count).map(\.name) == names else {
            throw Refusal(.transcriptMismatch, "token, salt and hop statement are not the last three fields")
        }
        let tokens = present[0].value.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard tokens.count <= AuthoritySet.maximumTokens,
            tokens.allSatisfy({ $0.utf8.count <= maximumTokenBytes })
        else {
            throw Refusal(
                .tokenMalformed,
                "the sender has more than \(AuthoritySet.maximumTokens) tokens, or one longer than "
                    + "\(maximumTokenBytes) bytes")
        }
        guard let salt = Base64.decode(present[1].value), salt.count == Commitment.saltLength else {
            throw Refusal(.tokenMalformed, "the salt is not 32 bytes in base64url")
        }
        let hop = try HopStatement(compact: present[2].value)
        return (fields.dropLast(names.count), SenderFields(tokens: tokens, salt: salt, hop: hop))
    }
}
