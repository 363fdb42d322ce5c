public import Encoding

/// Limits and names of the outer HTTP exchange that carries a sealed message.
///
/// - Source: formats, section 4; architecture, section 11, rules 23, 24 and 28.
public enum SealedMessage {
    /// The greatest outer body, in bytes (16 MiB).
    public static let maximumBytes = 16 << 20
    /// Media type of an encapsulated request.
    public static let requestType = "message/ohttp-req"
    /// Media type of an encapsulated response.
    public static let responseType = "message/ohttp-res"

    /// The path of the outer request to a key.
    public static func path(to name: Digest) -> String { "/channel/\(name)" }
}

/// Seals a request to one key, in one step or in two.
///
/// Two steps, because the hop statement inside the message signs the digest of the encapsulated key: create the value,
/// read `encDigest`, build the message, `seal`.
public struct SealedRequest: Sendable {
    /// The key that the message is sealed to.
    public let configuration: KeyConfiguration
    private let sealer: RequestSealer

    /// - Throws: `key-invalid` when nothing can be encapsulated to the key.
    public init(to configuration: KeyConfiguration) throws(Refusal) {
        self.configuration = configuration
        sealer = try RequestSealer(to: try configuration.encapsulationKey(), suite: configuration.suite.encapsulation)
    }

    /// SHA-256 of the encapsulated key `enc`.
    public var encDigest: Digest { Digest(of: sealer.encapsulated) }

    /// The outer body, and what opens its answer.
    ///
    /// - Throws: `too-large` when the body would exceed `SealedMessage.maximumBytes`.
    public consuming func seal(_ message: [UInt8]) throws(Refusal) -> (body: [UInt8], exchange: ClientExchange) {
        let overhead =
            EncapsulationSuite.headerLength + configuration.suite.encapsulatedKeyLength + EncapsulationSuite.tagLength
        guard message.count <= SealedMessage.maximumBytes - overhead else {
            throw Refusal(.tooLarge, "the message does not fit an encapsulated request")
        }
        let configuration = configuration
        let sealed = try sealer.seal(message)
        return (sealed.body, ClientExchange(configuration: configuration, answer: sealed.answer))
    }

    /// Seals a message that needs nothing of the exchange.
    public static func seal(
        _ message: [UInt8], to configuration: KeyConfiguration
    ) throws(Refusal) -> (body: [UInt8], exchange: ClientExchange) {
        try SealedRequest(to: configuration).seal(message)
    }
}

/// The sender's side of an exchange whose request is on its way.
public struct ClientExchange: Sendable {
    /// The key that the request was sealed to.
    public let configuration: KeyConfiguration
    private let answer: AnswerKeys

    init(configuration: KeyConfiguration, answer: AnswerKeys) {
        self.configuration = configuration
        self.answer = answer
    }

    public var suite: Suite { configuration.suite }

    /// SHA-256 of the encapsulated key `enc`.
    public var encDigest: Digest { answer.encDigest }

    /// The inner message of the answer.
    ///
    /// - Throws: `record-authentication` when it does not open, or belongs to another request.
    public func open(_ body: [UInt8]) throws(Refusal) -> [UInt8] {
        try answer.open(body)
    }
}

/// The receiver's side of an exchange whose request has been opened.
public struct ServerExchange: Sendable {
    /// The key that the request was sealed to.
    public let configuration: KeyConfiguration
    private let answer: AnswerKeys

    init(configuration: KeyConfiguration, answer: AnswerKeys) {
        self.configuration = configuration
        self.answer = answer
    }

    public var suite: Suite { configuration.suite }

    /// SHA-256 of the encapsulated key `enc`.
    public var encDigest: Digest { answer.encDigest }

    /// The first 16 bytes of `encDigest`, as the replay window stores it.
    public var enc16: [UInt8] { Array(encDigest.bytes.prefix(ReplayWindow.entryLength)) }

    /// The outer body of the answer; every call draws a fresh nonce.
    public func seal(_ message: [UInt8], randomness: Randomness = .system) throws(Refusal) -> [UInt8] {
        try answer.seal(message, nonce: randomness.bytes(answer.suite.responseNonceLength))
    }
}
