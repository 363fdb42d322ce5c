import AttestationToken
import Crypto
import Encoding

@testable import Channel

/// A unit with keys of its own. Its token is a text that nobody verifies here: these tests begin where the caller has
/// verified the token, and give the channel what that token says.
struct TestUnit: Sendable {
    let role: String
    let party: Encoding.Digest
    let keys: ChannelKeys
    let hopKey: P256.Signing.PrivateKey
    let runtimeData: RuntimeData
    let token: String

    static let now = Timestamp(seconds: 1_795_300_000)
    static let platformParty = Digest(of: "platform")
    static let providerParty = Digest(of: "provider")

    init(role: String, party: Encoding.Digest, ohttp: [UInt8]? = nil) throws {
        self.role = role
        self.party = party
        keys = try .generate()
        hopKey = P256.Signing.PrivateKey()
        // The wrapping key plays no part in the channel; any odd modulus of 3,072 bits serves.
        let wrappingKey = JWK(.rsa(modulus: [UInt8](repeating: 0xff, count: 384), exponent: [1, 0, 1]))
        runtimeData = try RuntimeData(
            wrappingKey: wrappingKey, hopKey: hopKey.publicKey, ohttp: ohttp ?? keys.ohttp, role: role, party: party)
        token = "\(role).\(Base64.encodeURL(hopKey.publicKey.rawRepresentation)).signature"
    }

    static func platform() throws -> TestUnit { try TestUnit(role: "medical-platform", party: platformParty) }
    static func diagnostics() throws -> TestUnit { try TestUnit(role: "diagnostics", party: providerParty) }

    /// What others learn from this unit's token.
    var peer: AttestedPeer {
        get throws { try AttestedPeer(runtimeData: runtimeData, tokenDigests: [Digest(of: token)]) }
    }

    var signer: HopSigner {
        get throws { try HopSigner(tokens: [token], runtimeData: runtimeData, key: hopKey) }
    }

    /// The configuration of one suite.
    func configuration(_ suite: Channel.Suite) throws -> KeyConfiguration { try peer.configuration(allowing: [suite]) }

    /// Opens what was sealed to this unit's key of `suite`.
    func open(_ body: [UInt8], _ suite: Channel.Suite = .xwing) throws -> IncomingRequest {
        let opened = try keys.open(body, named: configuration(suite).name)
        return try IncomingRequest(opened.message, exchange: opened.exchange)
    }
}

/// A platform, a diagnostics unit, and one request between them.
struct TestExchange: Sendable {
    let platform: TestUnit
    let diagnostics: TestUnit
    let request = BinaryRequest(
        method: "POST", authority: "diagnostics", path: "/v2/models/brain/versions/1/infer",
        fields: [BinaryField("content-type", "application/json")], content: Array("{\"pixels\":1}".utf8))
    let response = BinaryResponse(
        status: 200, fields: [BinaryField("content-type", "application/json")], content: Array("{\"csf\":1}".utf8))
    let model = ModelReference(name: "brain", sha256: [UInt8](repeating: 7, count: 32), version: "1")

    init() throws {
        platform = try .platform()
        diagnostics = try .diagnostics()
    }

    func send(at time: Timestamp = TestUnit.now) throws -> OutgoingRequest {
        try OutgoingRequest.seal(request, to: diagnostics.peer, from: platform.signer, at: time)
    }

    func verify(
        _ incoming: IncomingRequest, from peer: AttestedPeer? = nil, at time: Timestamp = TestUnit.now
    ) throws {
        try incoming.verifySender(peer ?? platform.peer, own: diagnostics.peer.hopKeyThumbprint, at: time)
    }

    func answer(_ incoming: IncomingRequest, at time: Timestamp = TestUnit.now) throws -> OutgoingResponse {
        try incoming.answer(response, from: diagnostics.signer, model: model, at: time)
    }
}
