import Encoding
import Evidence

/// Every parser of what strangers send as evidence or collateral: one table for the fuzzers and for the bounded pass of
/// the tests.
///
/// Each gives the bytes to its parser, what was read to the code behind it, and returns what is wrong: a refusal of the
/// wrong kind, something written that reads back differently, evidence accepted that nobody signed. Nil is good, whether
/// the bytes were read or refused; a trap, a long time or much memory is for the caller to notice.
enum HostileParsers {
    typealias Parser = @Sendable (_ input: [UInt8], _ world: HostileWorld) -> String?

    /// By the name of the corpus folder. One line adds a parser.
    static let all: [(name: String, parser: Parser)] = [
        ("base64", base64), ("time", time), ("json", json), ("pem", pem),
        ("certificate", certificate), ("revocation-list", revocationList),
        ("dcap-quote", dcapQuote), ("dcap-collateral", dcapCollateral), ("tcb-info", tcbInfo),
        ("qe-identity", qeIdentity), ("pck-extension", pckExtension),
        ("snp-report", snpReport), ("snp-collateral", snpCollateral),
        ("nitro-document", nitroDocument), ("nitro-payload", nitroPayload),
        ("nvidia-evidence", nvidiaEvidence), ("nvidia-report", nvidiaReport),
        ("tpm-evidence", tpmEvidence), ("tpm-quote", tpmQuote), ("tpm-key", tpmKey), ("event-log", eventLog),
        ("hcl-evidence", hclEvidence), ("hcl-report", hclReport),
        ("evidence-document", evidenceDocument),
    ]

    static func named(_ name: String) -> Parser? { all.first { $0.name == name }?.parser }
}

// MARK: Text

extension HostileParsers {
    private static func base64(_ input: [UInt8], _ world: HostileWorld) -> String? {
        if let bytes = Base64.decode(ascii: input, .exact), Array(Base64.encodeURL(bytes).utf8) != input {
            return "exact base64url has a second form"
        }
        if let bytes = Base64.decode(ascii: input, .padded), Array(Base64.encodeStandard(bytes).utf8) != input {
            return "padded base64 has a second form"
        }
        guard let bytes = Base64.decode(ascii: input, .lenient) else { return nil }
        return Base64.decode(Base64.encodeURL(bytes)) == bytes ? nil : "base64 reads back differently"
    }

    private static func time(_ input: [UInt8], _ world: HostileWorld) -> String? {
        // Eight bytes are also any moment.
        if input.count == 8 {
            let moment = Timestamp(seconds: Int64(bitPattern: input.reduce(0) { $0 << 8 | UInt64($1) }))
            _ = moment.description
            return moment + 1 > moment || moment.seconds == .max ? nil : "a second later is not later"
        }
        guard let time = Timestamp(rfc3339: String(decoding: input, as: UTF8.self)) else { return nil }
        // An offset may lead out of the years that can be written.
        guard (1...9999).contains(time.calendar.year) else { return nil }
        return Timestamp(rfc3339: time.description) == time ? nil : "a time reads back differently"
    }

    private static func json(_ input: [UInt8], _ world: HostileWorld) -> String? {
        guard let value = try? JSON.parse(input) else { return nil }
        let canonical = value.canonical
        guard let again = try? JSON.parse(canonical) else { return "what JSON writes is not JSON" }
        return again.canonical == canonical ? nil : "the canonical form is not canonical"
    }

    private static func pem(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let text = String(decoding: input, as: UTF8.self)
        for label in ["CERTIFICATE", "X509 CRL"] {
            guard let blocks = PEM.decode(text, label: label) else { continue }
            let written = blocks.map { PEM.encode($0, label: label) }.joined()
            guard PEM.decode(written, label: label) == blocks else { return "a PEM block reads back differently" }
        }
        do throws(Refusal) { _ = try Certificate.chain(pem: text) } catch {
            return world.wrongRefusal(error, .evidenceChain)
        }
        return nil
    }
}

// MARK: X.509

extension HostileParsers {
    private static func certificate(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let certificate: Certificate
        do throws(Refusal) { certificate = try Certificate(der: input) } catch {
            return world.wrongRefusal(error, .evidenceChain)
        }
        guard certificate.der == input else { return "a certificate is not its bytes" }
        guard world.isSampled(input) else { return nil }
        _ = certificate.isSigned(by: certificate)
        // As an endorsement key: what AMD's extensions say is read before any signature is verified.
        let genuine = world.reports[0].built
        let collateral = SNPCollateral(
            vek: PEM.encode(input, label: "CERTIFICATE"), chain: genuine.collateral.chain, crl: genuine.collateral.crl)
        return world.forgery(world.verify(genuine.report, .snp, .snp(collateral)))
    }

    private static func revocationList(_ input: [UInt8], _ world: HostileWorld) -> String? {
        do throws(Refusal) {
            let list = try CertificateRevocationList(der: input)
            guard list.der == input else { return "a list is not its bytes" }
            if world.isSampled(input) { _ = list.isSigned(by: world.quotes[0].built.root) }
            return nil
        } catch {
            if let fault = world.wrongRefusal(error, .collateralInvalid) { return fault }
        }
        do throws(Refusal) { _ = try CertificateRevocationList(text: String(decoding: input, as: UTF8.self)) } catch {
            return world.wrongRefusal(error, .collateralInvalid)
        }
        return nil
    }
}
