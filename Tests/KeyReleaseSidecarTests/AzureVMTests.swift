import Attester
import Encoding
import Evidence
import Foundation
import SimulatedTEE
import Synchronization
import TestSupport
import Testing

/// An Azure confidential VM whose TPM answers with simulated evidence, command by command.
struct AzureVMTests {
    static let reportData = [UInt8](repeating: 6, count: 64)
    static let time = Timestamp(seconds: 1_795_300_000)

    let evidence: AttesterEvidence
    let content: HCLEvidence

    init() throws {
        evidence = try EvidenceFactory.forTests.get().hcl(
            measurement: World.measurement, party: Encoding.Digest(of: "party"), reportData: Self.reportData,
            at: Self.time)
        content = try HCLEvidence(parsing: evidence.evidence[...])
    }

    /// A TPM that gives at most eight registers at a time, as real ones do.
    func device(_ seen: Seen = Seen(), report: [UInt8]? = nil, status: UInt32 = 0) -> TPMDevice {
        let content = content
        let report = report ?? content.report
        return TPMDevice { command throws(SystemError) in
            let code = command[6..<10].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            seen.note(code, command)
            var body: [UInt8] = []
            switch code {
            case 0x169:
                body.appendBigEndian(UInt16(14))
                body += [1, 0x40, 0, 1, 0, 0x0b, 0, 0, 0, 0, 0, 0]
                body.appendBigEndian(UInt16(report.count))
            case 0x14e:
                let count = Int(command[31]) << 8 | Int(command[32])
                let offset = Int(command[33]) << 8 | Int(command[34])
                body += [0, 0, 0, 0]
                body.appendBigEndian(UInt16(count))
                body += report[offset..<offset + count]
            case 0x158:
                body += [0, 0, 0, 0]
                body.appendBigEndian(UInt16(content.quote.message.count))
                body += content.quote.message + [0, 0x14, 0, 0x0b]
                body.appendBigEndian(UInt16(content.quote.signature.count))
                body += content.quote.signature
            case 0x17e:
                let asked = (0..<24).filter { command[17 + $0 / 8] & 1 << UInt8($0 % 8) != 0 }.prefix(8)
                var bits: [UInt8] = [0, 0, 0]
                for register in asked { bits[register / 8] |= 1 << UInt8(register % 8) }
                body += [0, 0, 0, 1, 0, 0, 0, 1, 0, 0x0b, 3] + bits
                body.appendBigEndian(UInt32(asked.count))
                for register in asked { body += [0, 32] + content.quote.pcrs[register] }
            default: throw SystemError(EINVAL)
            }
            var response: [UInt8] = [0x80, command[1]]
            response.appendBigEndian(UInt32(10 + body.count))
            response.appendBigEndian(status)
            return response + body
        }
    }

    final class Seen: Sendable {
        private let held = Mutex<[(code: UInt32, command: [UInt8])]>([])
        func note(_ code: UInt32, _ command: [UInt8]) { held.withLock { $0.append((code, command)) } }
        func commands(_ code: UInt32) -> [[UInt8]] { held.withLock { $0.filter { $0.code == code }.map(\.command) } }
    }

    @Test func `the report is read in parts, the quote binds the report data, and the verifier accepts both`()
        async throws
    {
        try #require(content.quote.pcrs.count == 24)
        let seen = Seen()
        let made = try await AzureVMSource(device: device(seen)).evidence(reportData: Self.reportData)
        #expect(made.tee == .hcl)
        #expect(seen.commands(0x14e).count == (content.report.count + 1_023) / 1_024)
        #expect(seen.commands(0x17e).count == 3)
        let quote = try #require(seen.commands(0x158).first)
        #expect(quote[10..<14].elementsEqual([0x81, 0, 0, 3]))
        #expect(Array(quote[29..<93]) == Self.reportData)
        let factory = try EvidenceFactory.forTests.get()
        let verdict = try EvidenceVerifier(anchors: TrustAnchors.vendors.trusting(factory.root.simulatedRoot())).verify(
            made.evidence, tee: .hcl, collateral: evidence.collateral, at: Self.time, reportData: Self.reportData)
        #expect(verdict.accepted, "\(verdict.detail)")
    }

    @Test func `a TPM without the report, or that refuses, gives no evidence`() async throws {
        #expect(AzureVMSource.isAvailable(device: device()))
        for broken in [
            device(status: 0x18b), device(report: [UInt8](repeating: 0, count: 100)),
            TPMDevice { (_) throws(SystemError) in [] },
            TPMDevice { (_) throws(SystemError) in throw SystemError(ENOENT) },
            TPMDevice { (command) throws(SystemError) in command },
        ] {
            #expect(!AzureVMSource.isAvailable(device: broken))
            await #expect(throws: Refusal.self) {
                try await AzureVMSource(device: broken).evidence(reportData: Self.reportData)
            }
        }
        await #expect(throws: Refusal.self) { try await AzureVMSource(device: device()).evidence(reportData: [1]) }
    }
}
