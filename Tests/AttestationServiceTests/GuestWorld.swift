import AttestationService
import Crypto
import CryptoExtras
import Encoding
import Evidence
import EvidenceForge
import Foundation

/// A forged Azure: confidential VMs whose attestation key signs what a test wants.
struct GuestWorld {
    static let made = Result { try GuestWorld() }

    let keys: KeyRing
    let dates = Dates(issued: Service.now - 100 * Dates.day, collateral: Service.now - Dates.day)
    let root: SimulatedRoot
    /// What the token is sealed for.
    let recipient: _RSA.Signing.PrivateKey

    init() throws {
        keys = try .forged(seed: "attestation service tests")
        root = try .forged(keys: keys, dates: dates)
        recipient = try keys.rsa(.vtpmAuthority)
    }

    // MARK: Recipes

    static let program = AttestedProgram(
        measurement: [UInt8](repeating: 7, count: 48), hostData: [UInt8](repeating: 8, count: 32),
        reportData: [UInt8](repeating: 9, count: 64))

    func snp() throws -> HCLRecipe {
        try .standard(
            .snp(
                try .standard(
                    .milan, version: 3, program: Self.program, keys: keys, dates: dates, at: Service.now)),
            program: Self.program, keys: keys, dates: dates, at: Service.now)
    }

    func tdx() throws -> HCLRecipe {
        try .standard(
            .tdx(try .standard(.tdx4, program: Self.program, keys: keys, dates: dates, at: Service.now)),
            program: Self.program, keys: keys, dates: dates, at: Service.now)
    }

    /// Events of a firmware with Secure Boot and its variables, besides the usual ones.
    static func secureBoot(_ isOn: UInt8 = 1, more: [EventLogRecipe.Event] = []) -> EventLogRecipe {
        var log = EventLogRecipe.standard
        let variables: [(String, [UInt8])] = [
            ("SecureBoot", [isOn]), ("PK", [1]), ("KEK", [2]), ("db", [3]), ("dbx", [4]),
        ]
        for (name, data) in variables {
            log.events.append(EventLogRecipe.Event(pcr: 7, type: 0x8000_0001, data: variable(name, data)))
        }
        log.events += more
        return log
    }

    /// UEFI_VARIABLE_DATA.
    static func variable(_ name: String, _ data: [UInt8]) -> [UInt8] {
        joined(
            [UInt8](repeating: 1, count: 16), little(UInt64(name.utf8.count)), little(UInt64(data.count)),
            name.utf8.flatMap { [$0, 0] }, data)
    }

    static func joined(_ parts: [UInt8]...) -> [UInt8] { Array(parts.joined()) }

    static func little(_ number: some FixedWidthInteger) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(number)
        return bytes
    }

    static func big(_ number: some FixedWidthInteger) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(number)
        return bytes
    }

    /// A service that trusts this world.
    func service(_ recipe: HCLRecipe, launches: LaunchAcceptance = .none) throws -> Service {
        let source: GivenCollateral =
            switch try recipe.made().collateral {
            case .snp(let collateral): GivenCollateral(list: collateral.crl)
            case .dcap(let collateral): GivenCollateral(tdx: collateral)
            case nil: GivenCollateral()
            }
        return try Service(collateral: source, root: root, launches: launches)
    }

    // MARK: Requests

    /// What a guest library would send.
    ///
    /// - Parameter change: of the inner request, by its JSON members; `tpm` are those of `TpmInfo`.
    func request(
        _ recipe: HCLRecipe, change: (_ inner: inout [String: JSON], _ tpm: inout [String: JSON]) -> Void = { _, _ in }
    ) throws -> JSON {
        let made = try recipe.made()
        let evidence = try JSON.parse(made.evidence)
        let report = try bytes(evidence["hcl_report"])
        let length = report[1_232..<1_236].reversed().reduce(0) { $0 << 8 | Int($1) }
        let runtime = Array(report[1_236..<1_236 + length])
        let proof: [UInt8]
        if case .snp(let collateral) = made.collateral {
            proof =
                JSON.object([
                    "SnpReport": text(Array(report[32..<1_216]), Base64.encodeURL),
                    "VcekCertChain": text(Array((collateral.vek + collateral.chain).utf8)),
                ]).canonical
        } else {
            proof = try bytes(evidence["td_quote"])
        }
        let signed = try recipe.quote.signed()
        let key = try encryptionKey(signer: recipe.quote.signer)
        let attested = [0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13]
        var tpm: [String: JSON] = [
            "AikCert": "", "AikPub": text(try area(of: recipe.quote.signer)), "PcrQuote": text(signed.message),
            "PcrSignature": text(signed.signature), "PcrSet": .array(attested.map { .integer(Int64($0)) }),
            "PCRs": .array(
                recipe.quote.registers.enumerated().map {
                    ["Index": .integer(Int64($0.offset)), "Digest": text($0.element)]
                }),
            "EncKeyPub": text(key.area), "EncKeyCertifyInfo": text(key.statement),
            "EncKeyCertifyInfoSignature": text(key.signature),
        ]
        var inner: [String: JSON] = [
            "AttestationProtocolVersion": "2.0", "OSType": text(Array("Linux".utf8)),
            "OSDistro": text(Array("Ubuntu".utf8)), "OSBuild": text(Array("NotApplication".utf8)), "OSVersionMajor": 24,
            "OSVersionMinor": "4", "TcgLogs": text(recipe.log?.bytes ?? []), "ClientPayload": ["nonce": "Zm9v"],
            "IsolationInfo": [
                "Type": evidence["td_quote"] == nil ? "SevSnp" : "Tdx",
                "Evidence": ["Proof": text(proof), "RunTimeData": text(runtime)],
            ],
        ]
        change(&inner, &tpm)
        inner["TpmInfo"] = .object(tpm)
        return ["AttestationInfo": .string(Base64.encodeURL(JSON.object(inner).canonical))]
    }

    func text(_ bytes: [UInt8], _ encode: ([UInt8]) -> String = { Base64.encodeStandard($0) }) -> JSON {
        .string(encode(bytes))
    }

    private func bytes(_ value: JSON?) throws -> [UInt8] {
        guard let bytes = value?.string.flatMap({ Base64.decode($0) }) else {
            throw Refusal(.evidenceMalformed, "forge")
        }
        return bytes
    }

    /// TPM2B_PUBLIC of a restricted signing key.
    private func area(of signer: SigningKey) throws -> [UInt8] {
        let modulus = try signer.modulus()
        let area = Self.joined(
            [0, 1, 0, 0x0b], Self.big(UInt32(0x0005_0072)), [0, 0, 0, 0x10, 0, 0x14, 0, 0x0b],
            Self.big(UInt16(modulus.count * 8)), [0, 0, 0, 0], TPMQuoteRecipe.sized(modulus))
        return TPMQuoteRecipe.sized(area)
    }

    /// TPM2B_PUBLIC of a key to decrypt with, and the attestation key's word for it.
    func encryptionKey(
        signer: SigningKey, attributes: UInt32 = 0x0006_0072
    ) throws -> (area: [UInt8], statement: [UInt8], signature: [UInt8]) {
        let modulus = Array(try recipient.publicKey.getKeyPrimitives().modulus)
        let area = Self.joined(
            [0, 1, 0, 0x0b], Self.big(attributes), TPMQuoteRecipe.sized([UInt8](repeating: 5, count: 32)),
            [0, 0x10, 0, 0x10], Self.big(UInt16(modulus.count * 8)), [0, 0, 0, 0], TPMQuoteRecipe.sized(modulus))
        let name = Self.joined([0, 0x0b], Array(SHA256.hash(data: area)))
        let statement = Self.joined(
            Self.big(UInt32(0xff54_4347)), Self.big(UInt16(0x8017)), TPMQuoteRecipe.sized([0, 0x0b, 1]),
            TPMQuoteRecipe.sized([]), [UInt8](repeating: 0, count: 25), TPMQuoteRecipe.sized(name),
            TPMQuoteRecipe.sized(name))
        return (TPMQuoteRecipe.sized(area), statement, try signer.rawSignature(over: statement))
    }

    /// The token inside a sealed answer, as a guest library opens it.
    func open(_ sealed: String) throws -> String {
        func part(_ value: JSON?) throws -> [UInt8] {
            guard let bytes = value?.string.flatMap({ Base64.decode($0, .padded) }) else {
                throw Refusal(.tokenMalformed, "a part of the sealed token is missing")
            }
            return bytes
        }
        let json = try JSON.parse(Base64.decode(sealed) ?? [])
        let key = try _RSA.Encryption.PrivateKey(derRepresentation: recipient.derRepresentation)
        let secret = try key.decrypt(
            Data(try part(json["EncryptedInnerKey"])), padding: ._WEAK_AND_INSECURE_PKCS_V1_5)
        let box = try AES.GCM.SealedBox(
            nonce: AES.GCM.Nonce(data: try part(json["EncryptionParams"]?["Iv"])), ciphertext: try part(json["Jwt"]),
            tag: try part(json["AuthenticationData"]))
        let opened = try AES.GCM.open(
            box, using: SymmetricKey(data: secret), authenticating: Array("Transport Key".utf8))
        return String(decoding: opened, as: UTF8.self)
    }
}
