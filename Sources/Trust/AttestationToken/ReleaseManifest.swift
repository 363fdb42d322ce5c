public import Crypto
public import Encoding
public import Evidence

/// What one build of one unit measures to, signed by its vendor's release key (`formats.md` section 6).
public struct ReleaseManifest: Hashable, Sendable {
    /// Longest compact form that is parsed, in bytes.
    public static let maximumBytes = 64 * 1_024
    static let type = "cloister-release+jwt"
    static let format = "cloister-release/1"

    /// The executable that was measured.
    public struct File: Hashable, Sendable {
        public var name: String
        public var sha256: [UInt8]
        /// Bytes.
        public var size: Int64

        public init(name: String, sha256: [UInt8], size: Int64) {
            self.name = name
            self.sha256 = sha256
            self.size = size
        }
    }

    /// A library that the executable opens at run time and pins by digest.
    public struct Library: Hashable, Sendable {
        public var name: String
        public var sha256: [UInt8]

        public init(name: String, sha256: [UInt8]) {
            self.name = name
            self.sha256 = sha256
        }
    }

    /// What a token about this build carries under one TEE and runtime.
    public struct Measurement: Hashable, Sendable {
        /// Every one must equal the token's, in type and value. At least one.
        public var claims: [String: JSON]
        public var grade: Grade
        /// `simulated`, `gramine`, `aci`, `kata` …
        public var runtime: String
        public var tee: TEE

        public init(claims: [String: JSON], grade: Grade, runtime: String, tee: TEE) {
            self.claims = claims
            self.grade = grade
            self.runtime = runtime
            self.tee = tee
        }
    }

    /// `release` or `debug`.
    public var build: String
    public var commit: String
    public var createdAt: Timestamp
    public var file: File
    public var libraries: [Library]
    public var measurements: [Measurement]
    /// Rises with each release of the unit.
    public var sequence: Int64
    public var unit: String
    public var version: String

    public init(
        build: String, commit: String, createdAt: Timestamp, file: File, libraries: [Library] = [],
        measurements: [Measurement], sequence: Int64, unit: String, version: String
    ) {
        self.build = build
        self.commit = commit
        self.createdAt = createdAt
        self.file = file
        self.libraries = libraries
        self.measurements = measurements
        self.sequence = sequence
        self.unit = unit
        self.version = version
    }
}

// MARK: Reading

extension ReleaseManifest {
    /// Reads a manifest and verifies that one of `signers` signed it for its unit.
    ///
    /// - Throws: `token-malformed` for the form; `endorsement-invalid` when it is unsigned, or signed by no key
    ///   that `signers` names for its unit.
    public init(compact: String, signers: [PartyPolicy.ReleaseSigner]) throws(Refusal) {
        self = try ReleaseManifest.verified(compact: compact, signers: signers).manifest
    }

    /// Reads a manifest without asking who signed it: for the vendor's own tools and for messages, never to accept.
    public init(unverified compact: String) throws(Refusal) {
        try self.init(json: try Self.document(compact).payload)
    }

    static func verified(
        compact: String, signers: [PartyPolicy.ReleaseSigner]
    ) throws(Refusal) -> (manifest: ReleaseManifest, signer: PartyPolicy.ReleaseSigner) {
        let document = try document(compact)
        let manifest = try ReleaseManifest(json: document.payload)
        for signer in signers where signer.unit == manifest.unit {
            guard let pin = try? signer.key.pin(), pin.description == document.keyID else { continue }
            try document.verify(with: try signer.key.p256(), refusing: .endorsementInvalid)
            return (manifest, signer)
        }
        throw Refusal(.endorsementInvalid, "no accepted release key of unit \(manifest.unit) signed this manifest")
    }

    private static func document(_ compact: String) throws(Refusal) -> SignedDocument {
        try SignedDocument(
            compact: compact, type: type, key: .kid, maximumBytes: maximumBytes, unsigned: .endorsementInvalid)
    }

    private init(json: JSON) throws(Refusal) {
        var members = try ObjectReader(json, "release manifest", refusing: .tokenMalformed)
        try members.format(Self.format)
        build = try members.string("build")
        commit = try members.string("commit")
        createdAt = Timestamp(seconds: try members.sequence("createdAt"))
        file = try File(json: try members.value("file"))
        libraries = try members.list("libraries") { value throws(Refusal) in try Library(json: value) }
        measurements = try members.list("measurements") { value throws(Refusal) in try Measurement(json: value) }
        sequence = try members.sequence("sequence")
        unit = try members.unit("unit")
        version = try members.string("version")
        try members.finish()
        guard build == "release" || build == "debug" else {
            throw Refusal(.tokenMalformed, "release manifest: build is neither release nor debug")
        }
    }
}

extension ReleaseManifest.File {
    init(json: JSON) throws(Refusal) {
        var members = try ObjectReader(json, "file", refusing: .tokenMalformed)
        name = try members.string("name")
        sha256 = try members.sha256("sha256")
        size = try members.sequence("size")
        try members.finish()
    }
}

extension ReleaseManifest.Library {
    init(json: JSON) throws(Refusal) {
        var members = try ObjectReader(json, "library", refusing: .tokenMalformed)
        name = try members.string("name")
        sha256 = try members.sha256("sha256")
        try members.finish()
    }
}

extension ReleaseManifest.Measurement {
    init(json: JSON) throws(Refusal) {
        var members = try ObjectReader(json, "measurement", refusing: .tokenMalformed)
        guard let claims = try members.value("claims").object, !claims.isEmpty else {
            throw Refusal(.tokenMalformed, "measurement: claims are not an object with members")
        }
        self.claims = claims
        guard let grade = Grade(rawValue: try members.string("grade")) else {
            throw Refusal(.tokenMalformed, "measurement: unknown grade")
        }
        self.grade = grade
        runtime = try members.string("runtime")
        guard let tee = TEE(rawValue: try members.string("tee")) else {
            throw Refusal(.tokenMalformed, "measurement: unknown TEE")
        }
        self.tee = tee
        try members.finish()
    }
}

extension ObjectReader {
    /// SHA-256 as 64 lower-case hex digits.
    mutating func sha256(_ name: String) throws(Refusal) -> [UInt8] {
        let text = try string(name)
        guard let bytes = Hex.decode(text), bytes.count == 32, Hex.encode(bytes) == text else {
            throw Refusal(.tokenMalformed, "\(name) is not 64 lower-case hex digits")
        }
        return bytes
    }
}

// MARK: Writing

extension ReleaseManifest {
    /// The payload.
    public var json: JSON {
        [
            "format": .string(Self.format), "build": .string(build), "commit": .string(commit),
            "createdAt": .integer(createdAt.seconds),
            "file": [
                "name": .string(file.name), "sha256": .string(Hex.encode(file.sha256)), "size": .integer(file.size),
            ],
            "libraries": .array(
                libraries.map { ["name": .string($0.name), "sha256": .string(Hex.encode($0.sha256))] }),
            "measurements": .array(
                measurements.map {
                    [
                        "claims": .object($0.claims), "grade": .string($0.grade.rawValue),
                        "runtime": .string($0.runtime), "tee": .string($0.tee.rawValue),
                    ]
                }),
            "sequence": .integer(sequence), "unit": .string(unit), "version": .string(version),
        ]
    }

    /// The signed compact form; `kid` is the pin of `key`.
    ///
    /// - Throws: `token-malformed` when a reader would refuse the content.
    public func sign(with key: P256.Signing.PrivateKey) throws(Refusal) -> String {
        let pin = partyID(of: key.publicKey)
        let compact = try SignedDocument.sign(
            json, type: Self.type, keyMember: (.kid, .string(pin.description)), with: key)
        _ = try ReleaseManifest(unverified: compact)
        return compact
    }
}
