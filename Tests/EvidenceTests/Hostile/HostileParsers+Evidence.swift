import Crypto
import Encoding
import Evidence

// Evidence itself. Where a signature keeps strangers out, the input is also signed as the hardware would, so that the
// code behind the signature sees hostile content too.
extension HostileParsers {
    static func dcapQuote(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let quote: DCAPQuote
        do throws(Refusal) { quote = try DCAPQuote(input[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        let collateral = EvidenceCollateral.dcap(world.collateral(quote.tee))
        if let fault = world.forgery(world.verify(input, quote.tee, collateral)) { return fault }
        guard world.isSampled(input) else { return nil }
        let count = HostileWorld.signedBytes(quote)
        var signed = input
        // The length of the signature data stands between.
        if let signature = try? world.platform.attestationKey.signRaw(Array(input.prefix(count))) {
            signed.replaceSubrange(count + 4..<count + 4 + signature.count, with: signature)
        }
        _ = world.verify(signed, quote.tee, collateral).json.canonical
        return nil
    }

    static func snpReport(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let report: SNPReport
        do throws(Refusal) { report = try SNPReport(input[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        guard world.isSampled(input) else { return world.forgery(world.verify(input, .snp)) }
        let collateral = EvidenceCollateral.snp(world.collateral(report))
        return world.forgery(world.verify(input, .snp, collateral))
    }

    static func nitroDocument(_ input: [UInt8], _ world: HostileWorld) -> String? {
        do throws(Refusal) { _ = try NitroDocument(input[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        return world.isSampled(input) ? world.forgery(world.verify(input, .nitro)) : nil
    }

    /// The input is what is signed; the message around it is right.
    static func nitroPayload(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let message = TestCBOR.array([
            .bytes(world.enclave.protected), .map([]), .bytes(input), .bytes(Array(repeating: 1, count: 96)),
        ])
        if let fault = nitroDocument(message.encoded, world) { return fault }
        guard world.isSampled(input), let signed = try? world.enclave.message(input).encoded else { return nil }
        _ = world.verify(signed, .nitro).json.canonical
        return nil
    }

    static func nvidiaEvidence(_ input: [UInt8], _ world: HostileWorld) -> String? {
        do throws(Refusal) { _ = try NVIDIAReport(try NVIDIAEvidence(parsing: input[...]).report[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        return world.isSampled(input) ? world.forgery(world.verify(input, .nvidia)) : nil
    }

    static func nvidiaReport(_ input: [UInt8], _ world: HostileWorld) -> String? {
        do throws(Refusal) { _ = try NVIDIAReport(input[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        guard world.isSampled(input) else { return nil }
        let chain = world.devices[0].built.chain
        let evidence = NVIDIAEvidence(report: input, certificateChain: chain).json.canonical
        if let fault = world.forgery(world.verify(evidence, .nvidia)) { return fault }
        let content = Array(input.dropLast(96))
        guard let signature = try? world.device.certificates[0].key.signRaw(content) else { return nil }
        let signed = NVIDIAEvidence(report: content + signature, certificateChain: chain).json.canonical
        _ = world.verify(signed, .nvidia).json.canonical
        return nil
    }

    static func evidenceDocument(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let document: EvidenceDocument
        do throws(Refusal) { document = try EvidenceDocument(parsing: input) } catch {
            let code: RefusalCode = input.count > EvidenceDocument.maximumBytes ? .tooLarge : .evidenceMalformed
            return world.wrongRefusal(error, code)
        }
        guard let again = try? EvidenceDocument(parsing: document.json.canonical), again == document else {
            return "a document reads back differently"
        }
        let binding = document.runtimeData.map { Digest(of: $0).bytes }
        return world.forgery(
            world.verify(document.evidence, document.tee, document.collateral, reportData: binding))
    }
}
