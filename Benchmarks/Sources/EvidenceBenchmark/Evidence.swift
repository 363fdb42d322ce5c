import Encoding
import Evidence
import Foundation

/// One recorded piece of evidence with what its verification needs, read from the vectors.
struct RecordedEvidence: Sendable {
    let tee: TEE
    let bytes: [UInt8]
    let time: Timestamp
    /// Collateral as text, so that reading it can be part of what is measured.
    private let collateralText: [UInt8]?
    private let endorsement: SNPCollateral?

    /// - Parameter collateral: of Intel's, relative to `folder`; nil for evidence that needs none.
    init(_ tee: TEE, _ path: String, collateral: String?, at seconds: Int64, in folder: URL) throws {
        self.tee = tee
        var bytes = [UInt8](try Data(contentsOf: folder.appending(path: path)))
        if tee == .nitro,
            let decoded = Base64.decode(String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self), .lenient)
        {
            bytes = decoded
        }
        self.bytes = bytes
        time = Timestamp(seconds: seconds)
        collateralText = try collateral.map { [UInt8](try Data(contentsOf: folder.appending(path: $0))) }
        endorsement = nil
    }

    /// An SNP report with one PEM file of VCEK, ASK and ARK.
    init(report: String, chain: String, at seconds: Int64, in folder: URL) throws {
        tee = .snp
        bytes = [UInt8](try Data(contentsOf: folder.appending(path: report)))
        time = Timestamp(seconds: seconds)
        let pem = String(decoding: try Data(contentsOf: folder.appending(path: chain)), as: UTF8.self)
        let end = "-----END CERTIFICATE-----\n"
        guard let cut = pem.range(of: end)?.upperBound, !pem[cut...].isEmpty else { throw Failure() }
        endorsement = SNPCollateral(vek: String(pem[..<cut]), chain: String(pem[cut...]))
        collateralText = nil
    }

    func collateral() throws -> EvidenceCollateral? {
        if let endorsement { return .snp(endorsement) }
        return try collateralText.map { .dcap(try DCAPCollateral(json: try JSON.parse($0))) }
    }

    /// Verification by one verifier, which remembers chain and collateral after the first time.
    func warm() throws -> @Sendable () -> Bool {
        warm(EvidenceVerifier(anchors: .vendors), try collateral())
    }

    /// The same for two threads at once, which share the verifier; each has its own evidence, as each request brings some.
    func warmOnTwoThreads() throws -> [@Sendable () -> Bool] {
        let verifier = EvidenceVerifier(anchors: .vendors)
        let collateral = try collateral()
        return [warm(verifier, collateral), warm(verifier, collateral)]
    }

    private func warm(_ verifier: EvidenceVerifier, _ collateral: EvidenceCollateral?) -> @Sendable () -> Bool {
        // A copy in memory of its own, which `Array(bytes)` is not.
        let bytes = bytes.map(\.self)
        let (tee, time) = (tee, time)
        return { verifier.verify(bytes, tee: tee, collateral: collateral, at: time).accepted }
    }

    /// Verification with nothing remembered: collateral is read, and every signature checked, each time.
    func cold() -> @Sendable () -> Bool {
        {
            guard let collateral = try? collateral() else { return false }
            return EvidenceVerifier(anchors: .vendors, cacheCapacity: 8)
                .verify(bytes, tee: tee, collateral: collateral, at: time).accepted
        }
    }
}
