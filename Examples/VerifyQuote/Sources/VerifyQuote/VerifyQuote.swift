import Encoding
import Evidence
import Foundation

/// Judges an SGX or TDX quote with Intel's collateral as of now: `VerifyQuote sgx|tdx QUOTE COLLATERAL.json`.
@main
enum VerifyQuote {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let tee = TEE(rawValue: arguments[1]) else { return print("VerifyQuote sgx|tdx …") }
        let quote = [UInt8](try Data(contentsOf: URL(filePath: arguments[2])))
        let collateral = try JSON.parse([UInt8](try Data(contentsOf: URL(filePath: arguments[3]))))
        let verdict = EvidenceVerifier(anchors: .vendors).verify(
            quote, tee: tee, collateral: try EvidenceCollateral(json: collateral, tee: tee), at: WallClock.system.now())
        print(verdict.code.map { "refused: \($0.name), \(verdict.detail)" } ?? "accepted: \(verdict.tcbStatus ?? "")")
        for check in verdict.checks { print(check.outcome, check.name, check.detail) }
    }
}
