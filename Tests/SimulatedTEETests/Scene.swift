import Encoding
import Evidence
import Foundation
import SimulatedTEE

/// What most tests here share: one simulated root per process, a measured program, a party, a moment.
enum Scene {
    static let time = Timestamp(seconds: 1_795_300_000)
    static let party = Digest(of: "the hospital")
    static let program = ExecutableMeasurement(of: Array("a program".utf8))
    static let reportData = Digest(of: "runtime data").bytes + [UInt8](repeating: 0, count: 32)

    /// Another machine's root.
    static let otherRoot = Result { try DevelopmentRoot.make(at: time, keys: .quick) }

    static func factory() throws -> EvidenceFactory { try EvidenceFactory.forTests.get() }

    /// A verifier that was told the simulated root.
    static func trusting(_ root: DevelopmentRoot) throws -> EvidenceVerifier {
        EvidenceVerifier(anchors: TrustAnchors.vendors.trusting(try root.simulatedRoot()))
    }

    /// The claim that carries the measurement, and its name.
    static func measurement(_ tee: TEE) -> String {
        switch tee {
        case .sgx: "x-ms-sgx-mrenclave"
        case .tdx: "tdx_mrtd"
        default: "x-ms-sevsnpvm-launchmeasurement"
        }
    }

    /// What the claim must be for a file.
    static func expected(_ tee: TEE, _ path: String) throws -> String {
        let measured = ExecutableMeasurement(of: [UInt8](try Data(contentsOf: URL(filePath: path))))
        return Hex.encode(tee == .sgx ? measured.enclave : measured.launch)
    }
}
