import Encoding

@testable import Evidence

// What is said about hardware: collateral as it comes, and parts of it that are read behind a signature, which anybody can
// make under a root of his own.
extension HostileParsers {
    static func dcapCollateral(_ input: [UInt8], _ world: HostileWorld) -> String? {
        guard let json = try? JSON.parse(input) else { return nil }
        let collateral: DCAPCollateral
        do throws(Refusal) { collateral = try DCAPCollateral(json: json) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        guard (try? DCAPCollateral(json: collateral.json)) == collateral else { return "it reads back differently" }
        let tee = collateral.tcbInfo.utf8.count > world.collateral(.sgx).tcbInfo.utf8.count ? TEE.tdx : .sgx
        let verdict = judge(collateral, tee, world)
        if let fault = world.forgery(verdict) { return fault }
        let documents = [collateral.tcbInfo, collateral.qeIdentity]
        let isSigned = world.quotes.contains {
            [$0.built.collateral.tcbInfo, $0.built.collateral.qeIdentity] == documents
        }
        return verdict.accepted && !isSigned ? "collateral that nobody signed is accepted" : nil
    }

    /// The input is the text of the TCB info; where the slow steps are taken, signed.
    static func tcbInfo(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let text = String(decoding: input, as: UTF8.self)
        let tee: TEE
        do throws(Refusal) { tee = try TCBInfo(signed: text).tee } catch {
            return world.wrongRefusal(error, .collateralInvalid)
        }
        guard world.isSampled(input) else { return nil }
        let genuine = world.collateral(tee)
        return judged(replacing(genuine, tcbInfo: text, qeIdentity: genuine.qeIdentity, world), tee, world)
    }

    /// The input is the text of the QE identity; where the slow steps are taken, signed.
    static func qeIdentity(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let text = String(decoding: input, as: UTF8.self)
        let tee: TEE
        do throws(Refusal) { tee = try QEIdentity(signed: text).tee } catch {
            return world.wrongRefusal(error, .collateralInvalid)
        }
        guard world.isSampled(input) else { return nil }
        let genuine = world.collateral(tee)
        return judged(replacing(genuine, tcbInfo: genuine.tcbInfo, qeIdentity: text, world), tee, world)
    }

    /// The input is Intel's extension in a PCK certificate; where the slow steps are taken, in one that its CA signed.
    static func pckExtension(_ input: [UInt8], _ world: HostileWorld) -> String? {
        var pck = TestCertificate(subject: "PCK", key: world.platform.pckKey)
        pck.extensions = [("1.2.840.113741.1.13.1", false, input)]
        guard let certificate = try? Certificate(der: pck.unsigned(issuer: "CA")) else { return nil }
        do throws(Refusal) { _ = try PCKExtension(certificate) } catch {
            return world.wrongRefusal(error, .evidenceChain)
        }
        guard world.isSampled(input), let evidence = try? world.platform.quote(extension: input) else { return nil }
        return world.forgery(world.verify(evidence, .sgx, .dcap(world.collateral(.sgx))))
    }

    static func snpCollateral(_ input: [UInt8], _ world: HostileWorld) -> String? {
        guard let json = try? JSON.parse(input) else { return nil }
        let collateral: SNPCollateral
        do throws(Refusal) { collateral = try SNPCollateral(json: json) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        guard (try? SNPCollateral(json: collateral.json)) == collateral else { return "it reads back differently" }
        return world.forgery(world.verify(world.reports[0].built.report, .snp, .snp(collateral)))
    }

    private static func judge(_ collateral: DCAPCollateral, _ tee: TEE, _ world: HostileWorld) -> Verdict {
        let quote = (world.quotes.first { $0.built.tee == tee } ?? world.quotes[0]).built.quote
        return world.verify(quote, tee, .dcap(collateral))
    }

    private static func judged(_ collateral: DCAPCollateral, _ tee: TEE, _ world: HostileWorld) -> String? {
        let verdict = judge(collateral, tee, world)
        _ = verdict.json.canonical
        return world.forgery(verdict)
    }

    private static func replacing(
        _ collateral: DCAPCollateral, tcbInfo: String, qeIdentity: String, _ world: HostileWorld
    ) -> DCAPCollateral {
        let key = world.platform.signerKey
        func signature(_ text: String) -> String { (try? key.signRaw(Array(text.utf8))).map { Hex.encode($0) } ?? "" }
        return DCAPCollateral(
            pckCRLIssuerChain: collateral.pckCRLIssuerChain, rootCACRL: collateral.rootCACRL,
            pckCRL: collateral.pckCRL, tcbInfoIssuerChain: collateral.tcbInfoIssuerChain, tcbInfo: tcbInfo,
            tcbInfoSignature: signature(tcbInfo), qeIdentityIssuerChain: collateral.qeIdentityIssuerChain,
            qeIdentity: qeIdentity, qeIdentitySignature: signature(qeIdentity))
    }
}
