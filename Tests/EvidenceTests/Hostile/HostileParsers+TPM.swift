import Encoding

@testable import Evidence

// TPMs, alone and under an HCL report.
extension HostileParsers {
    static func tpmEvidence(_ input: [UInt8], _ world: HostileWorld) -> String? {
        do throws(Refusal) { _ = try TPMEvidence(input[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        return world.isSampled(input) ? world.forgery(world.verify(input, .tpm)) : nil
    }

    /// The input is what the TPM signs; where the slow steps are taken, signed.
    static func tpmQuote(_ input: [UInt8], _ world: HostileWorld) -> String? {
        _ = try? HCLQuote(bincode: input)
        do throws(Refusal) { _ = try TPMQuote(input[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        guard world.isSampled(input), let signature = try? world.machine.key.signature(over: input),
            let key = try? world.machine.key.publicArea()
        else { return nil }
        let registers = TestTPM.registers(world.machine.quote.bank, world.machine.registers)
        let signed = TestTPM.field(1, input) + TestTPM.field(2, signature) + TestTPM.field(3, registers)
        _ = world.verify(TestTPM.field(1, key) + TestTPM.field(2, signed), .tpm).json.canonical
        return nil
    }

    static func tpmKey(_ input: [UInt8], _ world: HostileWorld) -> String? {
        do throws(Refusal) { _ = try TPMPublicArea(input[...]) } catch {
            if let fault = world.wrongRefusal(error, .evidenceMalformed) { return fault }
        }
        do throws(Refusal) { _ = try TPMSignature(input[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        return nil
    }

    static func eventLog(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let log: TCGEventLog
        do throws(Refusal) { log = try TCGEventLog(input[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        let registers = log.replayed()
        guard registers.allSatisfy({ $0.value.count == $0.key.bank.byteCount }) else {
            return "a register is not as long as its bank's digests"
        }
        // Only entries that inform extend no register.
        let extending = log.events.count { $0.type != TCGEvent.noAction && !$0.digests.isEmpty }
        return log.events(in: Set(registers.keys)).count == extending ? nil : "the replay leaves events out"
    }

    static func hclEvidence(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let report: HCLReport
        do throws(Refusal) { report = try HCLReport(try HCLEvidence(parsing: input[...]).report[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        guard world.isSampled(input) else { return nil }
        return world.forgery(world.verify(input, .hcl, collateral(report, world)))
    }

    static func hclReport(_ input: [UInt8], _ world: HostileWorld) -> String? {
        let report: HCLReport
        do throws(Refusal) { report = try HCLReport(input[...]) } catch {
            return world.wrongRefusal(error, .evidenceMalformed)
        }
        guard world.isSampled(input) else { return nil }
        var evidence = world.clouds[0].built.evidence
        if case .tdx = report.hardware { evidence = world.clouds[1].built.evidence }
        evidence.report = input
        return world.forgery(world.verify(evidence.json.canonical, .hcl, collateral(report, world)))
    }

    private static func collateral(_ report: HCLReport, _ world: HostileWorld) -> EvidenceCollateral {
        switch report.hardware {
        case .snp(let snp): .snp(world.collateral(snp))
        case .tdx: .dcap(world.collateral(.tdx))
        }
    }
}
