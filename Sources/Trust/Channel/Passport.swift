import AttestationToken
public import Encoding
public import Evidence

/// What happened to one diagnosis, for somebody who was not there: hops, tokens, evidence, and whatever is needed to
/// judge them offline, years later.
///
/// Not itself signed: every part is. It holds no salt, no patient data and no stable identifier of a patient.
///
/// - Source: formats, section 5; architecture, section 11, rule 30.
public struct Passport: Sendable {
    /// Longest file that is parsed, in bytes.
    public static let maximumBytes = 8 << 20
    /// Media type of a passport file.
    public static let mediaType = "application/vnd.cloister.passport+json"
    private static let format = "cloister-passport/1"
    private static let maximumIssuers = 8
    private static let maximumChains = 16
    private static let maximumDocuments = 32
    /// Most tokens: two for each hop, should every policy ask for two services.
    private static let maximumTokens = 16

    /// The certificate chains under which an attestation service signed.
    public struct Issuer: Hashable, Sendable {
        /// The issuer string of its tokens.
        public var url: String
        /// Each [leaf, issuer], DER.
        public var chains: [[[UInt8]]]

        public init(url: String, chains: [[[UInt8]]]) {
            self.url = url
            self.chains = chains
        }
    }

    /// Parents before children.
    public let chain: HopChain
    /// Each token that a hop names, once; compact.
    public let tokens: [String]
    public let issuers: [Issuer]
    /// For each token its evidence document, in the order of `tokens`.
    public let evidence: [EvidenceDocument]
    /// Release manifests that applied; compact.
    public let manifests: [String]
    /// Party policies that applied; compact.
    public let policies: [String]

    public var hops: [HopStatement] { chain.hops }

    /// Puts a passport together.
    ///
    /// Tokens inside the evidence documents, and a manifest, are left out: both have places of their own here.
    ///
    /// - Throws: `passport-invalid` when the hops are no chain or a part is missing; `receipt-invalid:digest` when
    ///   `tokens` are not exactly those that the hops name.
    public init(
        hops: [HopStatement], tokens: [String], issuers: [Issuer], evidence: [EvidenceDocument],
        manifests: [String], policies: [String]
    ) throws(Refusal) {
        do throws(Refusal) { chain = try HopChain(hops) } catch { throw Refusal(.passportInvalid, error.detail) }
        guard issuers.count <= Passport.maximumIssuers,
            issuers.allSatisfy({ $0.chains.count <= Passport.maximumChains }),
            manifests.count <= Passport.maximumDocuments, policies.count <= Passport.maximumDocuments
        else { throw Refusal(.passportInvalid, "the passport holds too many issuers, manifests or policies") }
        let named = Set(hops.flatMap(\.content.tokens))
        guard tokens.count == named.count, Set(tokens.map { Digest(of: $0) }) == named else {
            throw Refusal(.receiptInvalid, part: "digest", "the tokens are not those that the hops name, each once")
        }
        guard evidence.count == tokens.count else {
            throw Refusal(.passportInvalid, "the passport does not hold one evidence document for each token")
        }
        self.tokens = tokens
        self.issuers = issuers
        self.evidence = evidence.map { document in
            var document = document
            document.tokens = []
            document.manifest = nil
            return document
        }
        self.manifests = manifests
        self.policies = policies
    }
}

// MARK: The file

extension Passport {
    /// Reads a passport file.
    ///
    /// - Throws: `passport-invalid` for its form, and as the other initialiser.
    public init(parsing bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= Passport.maximumBytes else {
            throw Refusal(.passportInvalid, "a passport is at most \(Passport.maximumBytes) bytes")
        }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.passportInvalid, "the passport is not JSON: \(error)")
        }
        var members = try ObjectReader(json, "passport", refusing: .passportInvalid)
        try members.format(Passport.format)
        let hops = try members.strings("hops")
        guard hops.count <= HopChain.maximumHops else {
            throw Refusal(.passportInvalid, "a passport has at most \(HopChain.maximumHops) hops")
        }
        let tokens = try members.strings("tokens")
        let issuers = try members.array("issuers")
        let evidence = try members.array("evidence")
        let manifests = try members.strings("manifests")
        let policies = try members.strings("policies")
        try members.finish()
        guard evidence.count <= Passport.maximumTokens, tokens.count <= Passport.maximumTokens else {
            throw Refusal(.passportInvalid, "the passport holds too many tokens or too much evidence")
        }
        let documents = try evidence.map { document throws(Refusal) in
            do throws(Refusal) {
                let document = try EvidenceDocument(json: document)
                guard document.tokens.isEmpty, document.manifest == nil else {
                    throw Refusal(.passportInvalid, "an evidence document holds tokens or a manifest")
                }
                return document
            } catch { throw Refusal(.passportInvalid, error.detail) }
        }
        try self.init(
            hops: try hops.map { hop throws(Refusal) in
                do throws(Refusal) { return try HopStatement(compact: hop) } catch {
                    throw Refusal(.passportInvalid, "a hop: \(error.detail)")
                }
            },
            tokens: tokens, issuers: try issuers.map { issuer throws(Refusal) in try Issuer(json: issuer) },
            evidence: documents, manifests: manifests, policies: policies)
    }

    /// The file's content.
    public var json: JSON {
        func strings(_ values: [String]) -> JSON { .array(values.map(JSON.string)) }
        return [
            "format": .string(Passport.format), "hops": strings(hops.map(\.compact)), "tokens": strings(tokens),
            "issuers": .array(issuers.map(\.json)), "evidence": .array(evidence.map(\.json)),
            "manifests": strings(manifests), "policies": strings(policies),
        ]
    }
}

extension Passport.Issuer {
    init(json: JSON) throws(Refusal) {
        var members = try ObjectReader(json, "issuer", refusing: .passportInvalid)
        url = try members.string("url")
        chains = try members.array("x5c").map { chain throws(Refusal) in
            guard let texts = chain.strings, (1...2).contains(texts.count) else {
                throw Refusal(.passportInvalid, "issuer: an x5c is not a leaf and its issuer")
            }
            return try texts.map { text throws(Refusal) in
                // x5c is standard base64 with padding (RFC 7517 section 4.7), and nothing else.
                guard let bytes = Base64.decode(text, .lenient), Base64.encodeStandard(bytes) == text else {
                    throw Refusal(.passportInvalid, "issuer: a certificate is not base64")
                }
                return bytes
            }
        }
        try members.finish()
    }

    var json: JSON {
        [
            "url": .string(url),
            "x5c": .array(chains.map { .array($0.map { .string(Base64.encodeStandard($0)) }) }),
        ]
    }
}
