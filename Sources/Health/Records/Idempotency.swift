public import Encoding
import GRDB

/// What a client sends to make a repeated request harmless.
public struct IdempotencyKey: Sendable {
    /// The longest key that is accepted, in bytes.
    public static let maximumBytes = 128

    let row: String
    let request: Digest

    /// - Parameters:
    ///   - key: the client's choice: 1 to 128 visible ASCII characters.
    ///   - request: digest over method, path and content, so that a key is never reused for another request.
    /// - Throws: `request-malformed` for a key that is none.
    public init(_ key: String, request: Digest) throws(Refusal) {
        let isVisible = key.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        guard (1...IdempotencyKey.maximumBytes).contains(key.utf8.count), isVisible else {
            throw Refusal(.requestMalformed, "idempotency-key is not 1 to 128 visible ASCII characters")
        }
        // The client's text is not ours to keep in the clear.
        row = Digest(of: key).hex
        self.request = request
    }
}

/// The answer that a first request got: what a repeated one gets again.
public struct StoredOutcome: Sendable, Hashable {
    /// HTTP status of the inner response.
    public var status: Int
    public var body: JSON

    public init(status: Int, body: JSON) {
        self.status = status
        self.body = body
    }
}

extension RecordWriter {
    /// Outcomes are kept this long, in seconds: 30 days.
    static let outcomeLifetime: Int64 = 30 * 86_400

    func outcome(of key: IdempotencyKey) throws(Refusal) -> StoredOutcome? {
        guard let kept = try rows.json(.outcome, key.row) else { return nil }
        guard kept["request"]?.string == key.request.description else {
            throw Refusal(.conflict, "idempotency-key was used for another request")
        }
        guard let status = kept["status"]?.integer, let body = kept["body"] else {
            throw Refusal(.blockAuthentication, "a stored outcome does not hold what it should")
        }
        return StoredOutcome(status: Int(status), body: body)
    }

    func keep(_ outcome: StoredOutcome, of key: IdempotencyKey, at time: Timestamp) throws(Refusal) {
        try rows.delete(.outcome, createdBefore: time - RecordWriter.outcomeLifetime)
        let kept: JSON = [
            "request": .string(key.request.description), "status": .integer(Int64(outcome.status)),
            "body": outcome.body,
        ]
        try rows.put(kept, .outcome, key.row, at: time)
    }
}
