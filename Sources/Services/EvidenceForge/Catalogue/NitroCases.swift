import Encoding
import Evidence

/// Cases of AWS Nitro documents.
///
/// Each extension makes the cases of one subject.
enum NitroCases {
    typealias Change = @Sendable (inout NitroRecipe) throws -> Void
    typealias ForgedChange = @Sendable (inout NitroRecipe, Forge) throws -> Void

    static var all: [ForgedCase] {
        right + lengths + messages + members + encodings + links + shapes + roots + times + signature + policy
    }

    static func wrong(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, _ change: @escaping Change
    ) -> ForgedCase {
        made(name, about, code: code, abuseCase: abuseCase) { recipe, _ in try change(&recipe) }
    }

    /// A case whose change takes keys of other worlds.
    static func wrong(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, forged change: @escaping ForgedChange
    ) -> ForgedCase {
        made(name, about, code: code, abuseCase: abuseCase, change)
    }

    static func right(_ name: String, _ about: String, _ change: @escaping Change = { _ in }) -> ForgedCase {
        made(name, about, code: nil, abuseCase: nil) { recipe, _ in try change(&recipe) }
    }

    private static func made(
        _ name: String, _ about: String, code: RefusalCode?, abuseCase: String?, _ change: @escaping ForgedChange
    ) -> ForgedCase {
        ForgedCase(
            name: "nitro-\(name)", tee: .nitro, about: about, code: code, abuseCase: abuseCase
        ) { forge in
            var recipe = try forge.nitro()
            try change(&recipe, forge)
            return try recipe.made()
        }
    }
}

// MARK: Right ones

extension NitroCases {
    static var right: [ForgedCase] {
        [
            right("right", "nothing is wrong"),
            right("tagged", "the message has the tag of COSE_Sign1") { $0.message = { .tag(18, .array($0)) } },
            right("indefinite-map", "the payload is a map without its length") { recipe in
                recipe.payload = { members in
                    CBORItem.indefiniteMap(members.map { ($0.key, $0.value) }).encoded
                }
            },
            right("unknown-member", "the payload has a member that nobody knows yet") {
                $0.change = {
                    $0.append((.text("enclave_class"), .array([.unsigned(1), .map([(.text("a"), .null)])])))
                }
            },
            right("user-data-in-place-of-nonce", "what was asked for is in the user data, and there is no nonce") {
                $0.userData = $0.nonce
                $0.nonce = nil
            },
            right("largest-members", "public key and user data have 1,024 bytes each") {
                $0.publicKey = [UInt8](repeating: 1, count: 1_024)
                $0.userData = [UInt8](repeating: 2, count: 1_024)
            },
            right("more-pcrs", "the document has PCR16 and PCR17 as well") {
                $0.pcrs += [(16, .zeros(48)), (17, .zeros(48))]
            },
        ]
    }
}

// MARK: Documents that cannot be read

extension NitroCases {
    private static func malformed(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
        wrong(name, .evidenceMalformed, "AC-018", about, change)
    }

    static var lengths: [ForgedCase] {
        let cuts = [
            ("empty", 0), ("array", 1), ("protected-header", 4), ("unprotected-header", 6), ("payload-length", 8),
            ("payload", 500),
        ].map { name, count in
            malformed("cut-\(name)", "the document ends inside or before its \(name)") {
                $0.presentation.tamper = { $0 = Array($0.prefix(count)) }
            }
        }
        return cuts + [
            malformed("cut-signature", "the signature is missing") {
                $0.presentation.tamper = { $0.removeLast(98) }
            },
            malformed("cut-last-byte", "the last byte is missing") { $0.presentation.tamper = { $0.removeLast() } },
            malformed("trailing-byte", "a byte follows the document") { $0.presentation.tamper = { $0.append(0) } },
            malformed("base64", "the document is base64") {
                $0.presentation.tamper = { $0 = Array(Base64.encodeStandard($0).utf8) }
            },
        ]
    }

    /// The message around the payload.
    static var messages: [ForgedCase] {
        [
            malformed("three-parts", "the message has three parts") { $0.message = { .array(Array($0.prefix(3))) } },
            malformed("five-parts", "the message has five parts") { $0.message = { .array($0 + [.null]) } },
            malformed("message-is-a-map", "the message is a map") {
                $0.message = { .map([($0[0], $0[1]), ($0[2], $0[3])]) }
            },
            malformed("other-tag", "the message has the tag of COSE_Mac0") { $0.message = { .tag(17, .array($0)) } },
            malformed("tagged-twice", "the message has its tag twice") {
                $0.message = { .tag(18, .tag(18, .array($0))) }
            },
            malformed("algorithm-es256", "the algorithm is ES256") {
                $0.protected = .map([(.unsigned(1), .negative(6))])
            },
            malformed("algorithm-es512", "the algorithm is ES512") {
                $0.protected = .map([(.unsigned(1), .negative(35))])
            },
            malformed("algorithm-missing", "there is no algorithm") { $0.protected = .map([]) },
            malformed("algorithm-text", "the algorithm is a text") {
                $0.protected = .map([(.unsigned(1), .text("ES384"))])
            },
            malformed("algorithm-twice", "the algorithm is there twice") {
                $0.protected = .map([(.unsigned(1), .negative(34)), (.unsigned(1), .negative(34))])
            },
            malformed("algorithm-unprotected", "the algorithm is in the unprotected header") {
                $0.unprotected = $0.protected
                $0.protected = .map([])
            },
            malformed("critical-header", "the protected header has a member that nobody knows") {
                $0.protected = .map([(.unsigned(1), .negative(34)), (.unsigned(2), .array([.unsigned(99)]))])
            },
            malformed("payload-detached", "the payload is null") {
                $0.message = { .array([$0[0], $0[1], .null, $0[3]]) }
            },
            malformed("signature-short", "the signature has 95 bytes") { $0.changeSignature = { $0.removeLast() } },
            malformed("signature-long", "the signature has 97 bytes") { $0.changeSignature = { $0.append(0) } },
            malformed("signature-der", "the signature is DER") {
                $0.changeSignature = { raw in
                    raw = DERBytes.sequence(
                        DERBytes.integer(magnitude: Array(raw.prefix(48))),
                        DERBytes.integer(magnitude: Array(raw.suffix(48))))
                }
            },
        ]
    }

    /// The payload's members. All are signed: only their form is wrong.
    static var members: [ForgedCase] {
        var cases = ["module_id", "digest", "timestamp", "pcrs", "certificate"].map { name in
            malformed("without-\(name.replacing("_", with: "-"))", "\(name) is missing") {
                $0.change = { $0.removeAll { $0.key.isText(name) } }
            }
        }
        cases += ["nonce", "pcrs", "certificate", "module_id"].map { name in
            malformed("duplicate-\(name.replacing("_", with: "-"))", "\(name) is there twice") {
                $0.change = { members in
                    if let member = members.first(where: { $0.key.isText(name) }) { members.append(member) }
                }
            }
        }
        cases += ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "nonce"].map { name in
            malformed("\(name.replacing("_", with: "-"))-of-other-type", "\(name) is true") {
                $0.change = { $0.set(name, .raw([0xf5])) }
            }
        }
        return cases + [
            malformed("digest-sha256", "the digest is SHA256") { $0.change = { $0.set("digest", .text("SHA256")) } },
            malformed("pcr-32-bytes", "a PCR has 32 bytes") { $0.pcrs[0].1 = .zeros(32) },
            malformed("pcr-empty", "a PCR is empty") { $0.pcrs[4].1 = [] },
            malformed("pcr-index-32", "a PCR has the index 32") { $0.pcrs.append((32, .zeros(48))) },
            malformed("pcr-twice", "PCR0 is there twice") { $0.pcrs.append((0, $0.pcrs[0].1)) },
            malformed("timestamp-negative", "the timestamp is negative") {
                $0.change = { $0.set("timestamp", .negative(1)) }
            },
            malformed("timestamp-beyond-range", "the timestamp has 64 bits") {
                $0.change = { $0.set("timestamp", .unsigned(.max)) }
            },
            malformed("nonce-1025-bytes", "the nonce has 1,025 bytes") {
                $0.nonce = [UInt8](repeating: 1, count: 1_025)
            },
            malformed("user-data-1025-bytes", "the user data has 1,025 bytes") {
                $0.userData = [UInt8](repeating: 1, count: 1_025)
            },
            malformed("public-key-1025-bytes", "the public key has 1,025 bytes") {
                $0.publicKey = [UInt8](repeating: 1, count: 1_025)
            },
            malformed("cabundle-of-8", "there are eight issuers") {
                $0.bundle = $0.chain.bundle + $0.chain.bundle
            },
        ]
    }

    /// CBOR that has another way to be written, or none.
    static var encodings: [ForgedCase] {
        [
            malformed("payload-trailing-byte", "a byte follows the payload's map") { recipe in
                recipe.payload = { CBORItem.map($0.map { ($0.key, $0.value) }).encoded + [0] }
            },
            malformed("payload-unfinished", "the payload's map says that it has one member more") { recipe in
                recipe.payload = { members in
                    var bytes = CBORItem.map(members.map { ($0.key, $0.value) }).encoded
                    bytes[0] += 1
                    return bytes
                }
            },
            malformed("payload-is-an-array", "the payload is an array") { recipe in
                recipe.payload = { CBORItem.array($0.map(\.value)).encoded }
            },
            malformed("nonce-in-chunks", "the nonce is written in chunks") {
                let nonce = $0.nonce ?? []
                $0.change = { $0.set("nonce", .chunks([Array(nonce.prefix(32)), Array(nonce.dropFirst(32))])) }
            },
            malformed("length-not-shortest", "a length has a longer form than it needs") {
                $0.change = { $0.set("digest", .raw([0x78, 6] + Array("SHA384".utf8))) }
            },
            malformed("absurd-length", "a length is longer than all memory") {
                $0.change = { $0.set("user_data", .raw([0x5b] + [UInt8](repeating: 0xff, count: 8))) }
            },
            malformed("absurd-count", "an array says that it has four thousand million members") {
                $0.change = { $0.set("cabundle", .raw([0x9a, 0xff, 0xff, 0xff, 0xff])) }
            },
            malformed("reserved-head", "a member begins with a head that CBOR reserves") {
                $0.change = { $0.set("user_data", .raw([0x5c])) }
            },
            malformed("text-not-utf8", "a text is not UTF-8") {
                $0.change = { $0.set("module_id", .raw([0x62, 0xc3, 0x28])) }
            },
            malformed("nested-too-deeply", "a member that nobody knows is nested a thousand times") {
                $0.change = {
                    $0.append((.text("more"), .raw([UInt8](repeating: 0x81, count: 1_000) + [0xf6])))
                }
            },
        ]
    }
}

extension CBORItem {
    func isText(_ text: String) -> Bool { if case .text(let own) = self { own == text } else { false } }
}

extension NitroRecipe.Members {
    fileprivate mutating func set(_ name: String, _ value: CBORItem) {
        for index in indices where self[index].key.isText(name) { self[index].value = value }
    }
}
