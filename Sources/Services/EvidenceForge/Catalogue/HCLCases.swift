import Encoding
import Evidence

/// Cases of Azure confidential VMs: over SNP all that can be wrong, over TDX what is special there.
///
/// Each extension makes the cases of one subject.
enum HCLCases {
    typealias Change = @Sendable (inout HCLRecipe) throws -> Void
    typealias ForgedChange = @Sendable (inout HCLRecipe, Forge) throws -> Void

    static var all: [ForgedCase] {
        right + documents + reports + runtime + quotes + hardware + bindings + certificates + registers
    }

    static func wrong(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, isGenuine: Bool = false,
        _ change: @escaping Change
    ) -> ForgedCase {
        made(name, about, code: code, abuseCase: abuseCase, isGenuine: isGenuine) { recipe, _ in try change(&recipe) }
    }

    /// A case whose change takes keys of other worlds.
    static func wrong(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, isGenuine: Bool = false,
        forged change: @escaping ForgedChange
    ) -> ForgedCase {
        made(name, about, code: code, abuseCase: abuseCase, isGenuine: isGenuine, change)
    }

    static func right(_ name: String, _ about: String, _ change: @escaping Change = { _ in }) -> ForgedCase {
        made(name, about, code: nil, abuseCase: nil, isGenuine: true) { recipe, _ in try change(&recipe) }
    }

    static func made(
        _ name: String, _ about: String, code: RefusalCode?, abuseCase: String?, isGenuine: Bool, onTDX: Bool = false,
        _ change: @escaping ForgedChange
    ) -> ForgedCase {
        ForgedCase(
            name: "hcl-\(name)", tee: .hcl, about: about, code: code, abuseCase: abuseCase,
            tcbStatus: onTDX && code == nil ? "UpToDate" : nil, isGenuine: isGenuine
        ) { forge in
            var recipe = onTDX ? try forge.hclTDX() : try forge.hcl()
            try change(&recipe, forge)
            return try recipe.made()
        }
    }
}

// MARK: Right ones

extension HCLCases {
    static var right: [ForgedCase] {
        [
            right("right", "nothing is wrong"),
            right(
                "without-ak-certificate",
                "there is no certificate of the attestation key, which the report names anyway"
            ) { $0.certificates = [] },
            right("ak-certificate-padded", "zeros follow the attestation key's certificate, as in the TPM's memory") {
                $0.certificatePadding = 2_000
            },
            right("without-event-log", "there is no event log") { $0.log = nil },
            right("short-report", "the report is as short as older ones") { $0.report.byteCount = 2_048 },
            right("header-version-1", "the report's header is of version 1") { $0.report.headerVersion = 1 },
            right("runtime-sha384", "the runtime data is hashed with SHA-384") { $0.report.hashType = 2 },
            right("some-registers", "the quote covers registers 0 to 15 only") {
                $0.quote.selections = [(0x000b, [0xff, 0xff, 0])]
            },
        ]
    }
}

// MARK: Evidence that cannot be read

extension HCLCases {
    private static func malformed(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
        wrong(name, .evidenceMalformed, "AC-018", about, change)
    }

    /// The JSON around everything.
    static var documents: [ForgedCase] {
        [
            malformed("empty", "there is nothing") { $0.presentation.tamper = { $0 = [] } },
            malformed("cut", "the JSON ends in the middle") {
                $0.presentation.tamper = { $0 = Array($0.prefix($0.count / 2)) }
            },
            malformed("trailing-byte", "something follows the JSON") { $0.presentation.tamper = { $0.append(0x7b) } },
            malformed("document-version-3", "the evidence is of version 3") { $0.change = { $0["version"] = 3 } },
            malformed("without-report", "the report is missing") { $0.change = { $0["hcl_report"] = nil } },
            malformed("without-quote", "the quote is missing") { $0.change = { $0["tpm_quote"] = nil } },
            malformed("unknown-member", "there is a member that nobody knows") { $0.change = { $0["more"] = 1 } },
            malformed("report-not-base64", "the report is not base64") { $0.change = { $0["hcl_report"] = "?" } },
            malformed("registers-missing", "the registers' values are missing") {
                $0.change = { members in
                    var quote = members["tpm_quote"]?.object ?? [:]
                    quote["pcrs"] = nil
                    members["tpm_quote"] = .object(quote)
                }
            },
            malformed("register-of-31-bytes", "a register's value has 31 bytes") {
                var values = $0.quote.registers
                values[3].removeLast()
                $0.quote.suppliedRegisters = values
            },
            malformed("33-registers", "there are values of 33 registers") {
                $0.quote.suppliedRegisters = $0.quote.registers + [[UInt8]](repeating: .zeros(32), count: 9)
            },
            malformed("given-as-snp", "it is given as evidence of SNP") { $0.presentation.tee = .snp },
        ]
    }

    /// The paravisor's report around the hardware's.
    static var reports: [ForgedCase] {
        let cuts = [
            ("magic", 3), ("header", 31), ("hardware-report", 1_215), ("data-header", 1_235), ("runtime-data", 1_300),
        ].map { name, count in
            malformed("report-cut-\(name)", "the report ends inside or before its \(name)") {
                $0.tamperReport = { $0 = Array($0.prefix(count)) }
            }
        }
        return cuts + [
            malformed("report-magic", "the report does not begin with HCLA") { $0.report.magic = Array("HCLB".utf8) },
            malformed("header-version-0", "the report's header is of version 0") { $0.report.headerVersion = 0 },
            malformed("header-version-3", "the report's header is of version 3") { $0.report.headerVersion = 3 },
            malformed("request-type", "the report's request type is another") { $0.report.requestType = 1 },
            malformed("report-status", "the report says that it failed") { $0.report.status = 1 },
            malformed("header-reserved", "a reserved byte of the header is set") { $0.report.reserved[5] = 1 },
            malformed("report-size", "the report's size is one more than its content") {
                $0.report.size = UInt32($0.report.hashedRuntime.utf8.count) + 1_237
            },
            malformed("data-size", "the data's size is one more than its content") {
                $0.report.dataSize = UInt32($0.report.hashedRuntime.utf8.count) + 21
            },
            malformed("runtime-length-short", "the runtime data's length is one less") {
                $0.report.runtimeLength = UInt32($0.report.hashedRuntime.utf8.count) - 1
            },
            malformed("runtime-length-absurd", "the runtime data's length is four thousand million") {
                $0.report.runtimeLength = .max
            },
            malformed("data-version", "the data is of version 2") { $0.report.dataVersion = 2 },
            malformed("report-type-0", "the report's type is none") { $0.report.reportType = 0 },
            malformed("report-type-tdx", "the report says TDX over an SNP report") { $0.report.reportType = 4 },
            malformed("hash-type-0", "the hash is none") { $0.report.hashType = 0 },
            malformed("hash-type-4", "the hash is one that nobody knows") { $0.report.hashType = 4 },
            malformed("report-trailing-byte", "a byte stands in the padding") {
                $0.tamperReport = { $0[$0.count - 1] = 1 }
            },
            malformed("snp-version-6", "the SNP report inside is of version 6") {
                $0.changeSNP { $0.report.put(UInt32(6), at: SNPReport.Layout.version) }
            },
        ]
    }

    /// The runtime data. All of it is bound: only its form is wrong.
    static var runtime: [ForgedCase] {
        func keyCase(_ name: String, _ about: String, _ change: @escaping @Sendable (inout [JSON]) -> Void)
            -> ForgedCase
        {
            malformed("runtime-\(name)", "the runtime data \(about)") {
                var keys = $0.report.runtime["keys"]?.array ?? []
                change(&keys)
                $0.report.runtime["keys"] = .array(keys)
            }
        }
        return [
            malformed("runtime-not-json", "the runtime data is not JSON") {
                $0.report.rewrite = { String($0.dropLast()) }
            },
            malformed("runtime-duplicate-member", "the runtime data has a member twice") {
                $0.report.rewrite = { $0.replacing("{", with: #"{"keys":[],"#, maxReplacements: 1) }
            },
            keyCase("without-keys", "names no keys") { $0 = [] },
            keyCase("without-attestation-key", "names no attestation key") { $0.removeFirst() },
            keyCase("two-attestation-keys", "names two attestation keys") { $0.append($0[0]) },
            keyCase("elliptic-attestation-key", "says that its RSA key is an elliptic one") {
                $0[0] = .object(($0[0].object ?? [:]).merging(["kty": "EC"]) { $1 })
            },
            keyCase("short-attestation-key", "names an attestation key of 1,024 bits") {
                $0[0] = HCLReportRecipe.jwk("HCLAkPub", "sign", modulus: [UInt8](repeating: 0xf1, count: 128))
            },
            keyCase("attestation-key-without-modulus", "names an attestation key without a modulus") {
                $0[0] = .object(($0[0].object ?? [:]).filter { $0.key != "n" })
            },
        ]
    }

    /// The quote's form.
    static var quotes: [ForgedCase] {
        let cuts = [("magic", 3), ("type", 5), ("nonce", 60), ("clock", 115), ("digest", 150)].map { name, count in
            malformed("quote-cut-\(name)", "the quote ends inside or before its \(name)") {
                $0.quote.tamper = { message, _ in message = Array(message.prefix(count)) }
            }
        }
        return cuts + [
            malformed("quote-magic", "the quote was not made by a TPM") { $0.quote.magic = 0xff54_4348 },
            malformed("quote-type-certify", "the attestation certifies a key") { $0.quote.type = 0x8017 },
            malformed("quote-type-time", "the attestation is of the time") { $0.quote.type = 0x8019 },
            malformed("nonce-65-bytes", "the nonce has 65 bytes") { $0.quote.nonce += [1] },
            malformed("clock-neither-safe-nor-unsafe", "the clock is neither safe nor unsafe") {
                $0.quote.clockIsSafe = 2
            },
            malformed("no-selection", "the quote selects no registers") { $0.quote.selections = [] },
            malformed("nine-selections", "the quote has nine selections") {
                $0.quote.selections = Array(repeating: (0x000b, [0xff, 0xff, 0xff]), count: 9)
            },
            malformed("bank-twice", "the quote selects a bank twice") {
                $0.quote.selections = Array(repeating: (0x000b, [0xff, 0xff, 0xff]), count: 2)
            },
            malformed("bank-unknown", "the quote selects a bank that nobody knows") {
                $0.quote.selections = [(0x0027, [0xff, 0xff, 0xff])]
            },
            malformed("map-empty", "the map of registers is empty") { $0.quote.selections = [(0x000b, [])] },
            malformed("map-of-5-bytes", "the map of registers has five bytes") {
                $0.quote.selections = [(0x000b, [0xff, 0xff, 0xff, 0, 0])]
            },
            malformed("quote-trailing-byte", "a byte follows the quote") {
                $0.quote.tamper = { message, _ in message.append(0) }
            },
        ]
    }
}

extension HCLRecipe {
    /// Changes the hardware below, where it is AMD's.
    mutating func changeSNP(_ change: (inout SNPRecipe) throws -> Void) rethrows {
        guard case .snp(var snp) = hardware else { return }
        try change(&snp)
        hardware = .snp(snp)
    }
}
