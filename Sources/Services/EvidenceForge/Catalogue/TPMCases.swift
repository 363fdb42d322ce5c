import Encoding
import Evidence

/// Cases of virtual TPMs alone.
enum TPMCases {
    typealias Change = @Sendable (inout TPMEvidenceRecipe) throws -> Void
    typealias ForgedChange = @Sendable (inout TPMEvidenceRecipe, Forge) throws -> Void

    static var all: [ForgedCase] { right + messages + keys + signatures + chains + registers }

    private static func wrong(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, isGenuine: Bool = false,
        _ change: @escaping Change
    ) -> ForgedCase {
        made(name, about, code: code, abuseCase: abuseCase, isGenuine: isGenuine) { recipe, _ in try change(&recipe) }
    }

    /// A case whose change takes keys of other worlds.
    private static func wrong(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, isGenuine: Bool = false,
        forged change: @escaping ForgedChange
    ) -> ForgedCase {
        made(name, about, code: code, abuseCase: abuseCase, isGenuine: isGenuine, change)
    }

    private static func made(
        _ name: String, _ about: String, code: RefusalCode?, abuseCase: String?, isGenuine: Bool,
        _ change: @escaping ForgedChange
    ) -> ForgedCase {
        ForgedCase(
            name: "tpm-\(name)", tee: .tpm, about: about, code: code, abuseCase: abuseCase, isGenuine: isGenuine
        ) { forge in
            var recipe = try forge.tpm()
            try change(&recipe, forge)
            return try recipe.made()
        }
    }

    private static func right(_ name: String, _ about: String, _ change: @escaping Change = { _ in }) -> ForgedCase {
        made(name, about, code: nil, abuseCase: nil, isGenuine: true) { recipe, _ in try change(&recipe) }
    }

    private static var right: [ForgedCase] {
        [
            right("right", "nothing is wrong"), right("without-event-log", "there is no event log") { $0.log = nil },
            right("some-registers", "the quote covers registers 0 to 15 only") {
                $0.quote.selections = [(0x000b, [0xff, 0xff, 0])]
            },
        ]
    }

    private static func malformed(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
        wrong(name, .evidenceMalformed, "AC-018", about, change)
    }

    /// The message and the quote in it.
    private static var messages: [ForgedCase] {
        [
            malformed("empty", "there is nothing") { $0.presentation.tamper = { $0 = [] } },
            malformed("cut", "the message is cut off") { $0.presentation.tamper = { $0.removeLast(5) } },
            malformed("trailing-byte", "a byte follows the message") { $0.presentation.tamper = { $0.append(0x0a) } },
            malformed("absurd-length", "a field is longer than all memory") {
                $0.presentation.tamper = { $0 += [0x1a] + [UInt8](repeating: 0xff, count: 9) + [1] }
            },
            malformed("unknown-field", "there is a field that nobody knows") { $0.change = { $0.append((99, [1])) } },
            malformed("without-quote", "the quote is missing") { $0.change = { $0.removeAll { $0.0 == 2 } } },
            malformed("without-key", "the key is missing") { $0.change = { $0.removeAll { $0.0 == 1 } } },
            malformed("key-twice", "the key is there twice") { $0.change = { $0.append($0[0]) } },
            malformed("quote-magic", "the quote was not made by a TPM") { $0.quote.magic = 0 },
            malformed("quote-type-certify", "the attestation certifies a key") { $0.quote.type = 0x8017 },
            malformed("nonce-65-bytes", "the nonce has 65 bytes") { $0.quote.nonce += [1] },
            malformed("signature-sha1", "the quote is signed over SHA-1") { $0.hash = 0x0004 },
            malformed("scheme-of-other-key", "the quote's scheme is not the key's") { $0.scheme = 0x0016 },
            malformed("given-as-hcl", "it is given as evidence of an Azure VM") { $0.presentation.tee = .hcl },
        ]
    }

    /// Keys that do not sign what their TPM states alone.
    private static var keys: [ForgedCase] {
        [
            ("unrestricted", "is not restricted", UInt32(0x0004_0072)),
            ("from-outside", "was made outside its TPM", 0x0005_0052),
            ("movable", "can leave its TPM", 0x0005_0070), ("decrypting", "may decrypt as well", 0x0007_0072),
        ].map { name, words, attributes in
            wrong("key-\(name)", .evidenceChain, "AC-014", "the attestation key \(words)") {
                $0.keyAttributes = attributes
            }
        }
    }

    private static var signatures: [ForgedCase] {
        [
            wrong("signature-flipped", .evidenceSignature, "AC-001", "one bit of the quote's signature is wrong") {
                $0.quote.tamper = { $1.flipLastBit() }
            },
            wrong("quote-flipped", .evidenceSignature, "AC-001", "one bit of the quote's clock is wrong") {
                $0.quote.tamper = { message, _ in message[4 + 2 + 36 + 66 + 7] ^= 1 }
            },
            wrong("signed-by-stranger", .evidenceSignature, "AC-001", "a stranger's key signs") { recipe, forge in
                recipe.quote.signer = try forge.strangers.pkcs1(.attestationKey)
            },
            wrong("nonce-other", .bindingMismatch, "AC-015", "the nonce is not what was asked for", isGenuine: true) {
                $0.presentation.binding = Forge.otherBinding
            },
            wrong("nonce-missing", .bindingMismatch, "AC-017", "there is no nonce", isGenuine: true) {
                $0.quote.nonce = []
            },
        ]
    }

    private static var chains: [ForgedCase] {
        func chained(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
            wrong(name, .evidenceChain, "AC-002", about, change)
        }
        return ["certificate", "ca", "root"].enumerated().flatMap { index, name in
            [
                chained("\(name)-expired", "the \(name) of the attestation key has expired") {
                    $0.certificates[index].notAfter = Forge.time - 1
                },
                chained("\(name)-not-yet-valid", "the \(name) of the attestation key is not yet valid") {
                    $0.certificates[index].notBefore = Forge.time + 1
                },
                chained(
                    "\(name)-signature-flipped", "one bit of the signature of the attestation key's \(name) is wrong"
                ) {
                    $0.certificates[index].tamper = { $0.flipLastBit() }
                },
            ]
        } + [
            chained("without-certificates", "there are no certificates") { $0.certificates = [] },
            chained("certificate-of-other-key", "the certificate is that of another key") {
                $0.certificates[0].key = $0.certificates[1].key
            },
            wrong("foreign-simulated-root", .simulatedRoot, "AC-004", "everything stands under another simulated root")
            {
                recipe, forge in recipe = try forge.tpm(ofStrangers: true)
            },
            wrong("foreign-root", .untrustedRoot, "AC-003", "everything stands under another root of Azure's name") {
                recipe, forge in
                recipe = try forge.tpm(ofStrangers: true)
                let name = DistinguishedName.azureRoot("Virtual TPM Root Certificate Authority")
                recipe.certificates[2].subject = name
                recipe.certificates[2].issuer = name
                recipe.certificates[1].issuer = name
            },
        ]
    }

    private static var registers: [ForgedCase] {
        [
            wrong("register-changed", .bindingMismatch, "AC-015", "a register's value is another than the quoted one") {
                var values = $0.quote.registers
                values[4][0] ^= 1
                $0.quote.suppliedRegisters = values
            },
            wrong(
                "event-log-event-missing", .bindingMismatch, "AC-019", "the event log lacks an event", isGenuine: true
            ) {
                $0.log?.events.remove(at: 9)
            },
            wrong(
                "event-log-event-twice", .bindingMismatch, "AC-019", "the event log has an event twice", isGenuine: true
            ) {
                $0.log?.events.append(EventLogRecipe.standard.events[9])
            },
            wrong(
                "event-log-reordered", .bindingMismatch, "AC-019",
                "the event log has two events of a register in the other order", isGenuine: true
            ) {
                $0.log?.events.swapAt(0, 1)
            },
            wrong(
                "event-log-digest-changed", .bindingMismatch, "AC-019", "the event log has another digest for an event",
                isGenuine: true
            ) {
                $0.log?.events[9].digest = Digest(of: "another boot loader").bytes
            },
            wrong("event-log-cut", .evidenceMalformed, "AC-019", "the event log is cut off", isGenuine: true) {
                $0.log?.tamper = { $0.removeLast(3) }
            },
        ]
    }
}
