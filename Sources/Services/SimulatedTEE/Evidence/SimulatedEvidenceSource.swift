package import Attester
package import Encoding
package import Evidence

/// An evidence source for tests that run a service inside the test process: it signs for any measurement.
///
/// No executable uses it. The socket of `simulated-tee` has no such door (architecture section 11 rule 12).
package struct SimulatedEvidenceSource: EvidenceSource {
    package let tee: TEE
    private let measurement: ExecutableMeasurement
    private let party: Digest
    private let factory: EvidenceFactory
    private let clock: WallClock

    package init(
        tee: TEE, measurement: ExecutableMeasurement, party: Digest, factory: EvidenceFactory, clock: WallClock
    ) {
        self.tee = tee
        self.measurement = measurement
        self.party = party
        self.factory = factory
        self.clock = clock
    }

    package func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        try factory.evidence(tee, measurement: measurement, party: party, reportData: reportData, at: clock.now())
    }
}
