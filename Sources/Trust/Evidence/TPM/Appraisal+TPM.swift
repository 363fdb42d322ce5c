import Encoding

// The steps of `evidence.md` section 2.3 that concern quotes, registers and the event log; for a TPM alone and for one
// under an HCL report.
extension Appraisal {
    /// Signatures of all quotes by the attestation key. Returns whether all are good.
    mutating func checkQuoteSignatures(_ quotes: [SignedTPMQuote], by key: PublicKey) -> Bool {
        for signed in quotes where !signed.signature.isValid(over: signed.quote.bytes, by: key) {
            fail(
                "tpm-quote-signature", .evidenceSignature,
                "the attestation key's signature over the quote of \(signed.banks) is wrong")
            return false
        }
        let schemes = Set(quotes.map(\.signature.detail)).sorted().joined(separator: ", ")
        pass(
            "tpm-quote-signature",
            "\(schemes) over the quote of \(quotes.map(\.banks).joined(separator: ", ")) by key \(key.pin)")
        return true
    }

    /// The nonce in every quote, when the caller says what it must be.
    mutating func checkNonce(_ quotes: [SignedTPMQuote], is wanted: [UInt8]?) {
        guard let wanted else {
            skip(
                "nonce",
                "the caller names no nonce: this evidence may have been made at any time since the machine started, and "
                    + "shown before")
            return
        }
        if let other = quotes.first(where: { !constantTimeEquals($0.quote.extraData, wanted) }) {
            failPolicy(
                "nonce", .bindingMismatch, "the quote's nonce is \(Hex.encode(other.quote.extraData)), not as expected")
        } else {
            pass(
                "nonce",
                wanted.isEmpty ? "the quote has no nonce, as expected: it may be replayed" : "the nonce is as expected")
        }
    }

    /// The digest in every quote over the values that came with it. Returns the values of registers that are quoted, and
    /// of no other; nil unless all digests are right.
    mutating func checkPCRDigests(_ quotes: [SignedTPMQuote]) -> PCRValues? {
        var proven: PCRValues = [:]
        var unquoted = 0
        for signed in quotes {
            let selections = signed.quote.selections
            let registers = Set(selections.registers)
            guard let digest = selections.digest(of: signed.suppliedValues, by: signed.signature.hash),
                digest.elementsEqual(signed.quote.pcrDigest)
            else {
                fail(
                    "pcr-digest", .bindingMismatch,
                    "the register values are not those of the quote of \(signed.banks)")
                return nil
            }
            for (register, value) in signed.suppliedValues {
                guard registers.contains(register) else {
                    unquoted += 1
                    continue
                }
                guard proven.updateValue(value, forKey: register) ?? value == value else {
                    fail("pcr-digest", .bindingMismatch, "two quotes give PCR \(register.index) different values")
                    return nil
                }
            }
        }
        let ignored = unquoted == 0 ? "" : "; \(unquoted) supplied values that are not quoted are ignored"
        pass("pcr-digest", "\(proven.count) register values are those of the quotes\(ignored)")
        return proven
    }

    /// The event log, replayed and compared with the quoted registers. Returns the events that these confirm.
    mutating func checkEventLog(
        _ bytes: ArraySlice<UInt8>?, against quoted: PCRValues, _ wanted: PCRRequirements
    ) -> [TCGEvent] {
        guard let bytes else {
            if wanted.requiresEventLog {
                failPolicy("event-log", .platformPolicy, "there is no event log, and the policy asks for one")
            } else {
                skip("event-log", "there is no event log, and the policy asks for none")
            }
            return []
        }
        let log: TCGEventLog
        do throws(Refusal) { log = try TCGEventLog(bytes) } catch {
            fail("event-log", error)
            return []
        }
        let compared = log.replayed().filter { quoted[$0.key] != nil }
        let wrong = compared.filter { quoted[$0.key] != $0.value }.keys.sorted()
        guard wrong.isEmpty, !compared.isEmpty else {
            let which = wrong.map { "\($0.bank.name) \($0.index)" }.joined(separator: ", ")
            fail(
                "event-log", .bindingMismatch,
                wrong.isEmpty ? "the event log explains no quoted PCR" : "the event log does not give PCR \(which)")
            return []
        }
        let isFirmwareCovered = TPMHash.allCases.contains { bank in
            (0...7).allSatisfy { compared[PCR(bank, $0)] != nil }
        }
        let detail = "\(log.events.count) events give \(compared.count) quoted registers"
        if wanted.requiresEventLog, !isFirmwareCovered {
            failPolicy("event-log", .platformPolicy, "\(detail), but not registers 0 to 7 of a bank")
        } else {
            pass("event-log", detail)
        }
        return log.events(in: Set(compared.keys))
    }

    /// Register values that the relying party asks for.
    mutating func checkPCRValues(_ quoted: PCRValues, _ wanted: PCRRequirements) {
        guard !wanted.values.isEmpty else {
            skip("pcr-values", "the policy names no register values: what was started is not judged")
            return
        }
        var faults: [String] = []
        for (register, accepted) in wanted.values.sorted(by: { $0.key < $1.key }) {
            let name = "\(register.bank.name) \(register.index)"
            guard let value = quoted[register] else {
                faults.append("PCR \(name) is not quoted")
                continue
            }
            if !accepted.contains(value) { faults.append("PCR \(name) is \(Hex.encode(value))") }
        }
        require(
            faults.isEmpty, "pcr-values", .platformPolicy,
            faults.isEmpty
                ? "\(wanted.values.count) registers have accepted values"
                : "not accepted: \(faults.joined(separator: ", "))")
    }
}

extension SignedTPMQuote {
    /// The banks that are quoted, for details.
    fileprivate var banks: String {
        quote.selections.map { "\($0.bank.name) (\($0.indices.count))" }.joined(separator: " and ")
    }
}
