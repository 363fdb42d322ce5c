package import Encoding
package import Evidence

/// Evidence with everything that its verification takes.
package struct ForgedEvidence: Sendable {
    package var tee: TEE
    package var evidence: [UInt8]
    package var collateral: EvidenceCollateral?
    /// The moment to judge for.
    package var time: Timestamp
    /// What the evidence must carry: report data, or a nonce.
    package var binding: [UInt8]?

    package init(
        tee: TEE, evidence: [UInt8], collateral: EvidenceCollateral?, time: Timestamp, binding: [UInt8]? = nil
    ) {
        self.tee = tee
        self.evidence = evidence
        self.collateral = collateral
        self.time = time
        self.binding = binding
    }
}

/// How evidence is given to a verifier, apart from what it says.
package struct Presentation: Sendable {
    /// As which kind it is given.
    package var tee: TEE
    package var time: Timestamp
    package var binding: [UInt8]?
    /// A last change of the finished bytes.
    package var tamper: (@Sendable (inout [UInt8]) -> Void)?
    package var accompanying = Accompanying.own

    /// What collateral comes with the evidence.
    package enum Accompanying: Sendable {
        /// What belongs to it.
        case own
        case nothing
        case other(EvidenceCollateral)
    }

    package init(tee: TEE, time: Timestamp, binding: [UInt8]?) {
        self.tee = tee
        self.time = time
        self.binding = binding
    }

    func evidence(_ bytes: [UInt8], _ own: EvidenceCollateral?) -> ForgedEvidence {
        var bytes = bytes
        tamper?(&bytes)
        let collateral: EvidenceCollateral? =
            switch accompanying {
            case .own: own
            case .nothing: nil
            case .other(let other): other
            }
        return ForgedEvidence(tee: tee, evidence: bytes, collateral: collateral, time: time, binding: binding)
    }
}
