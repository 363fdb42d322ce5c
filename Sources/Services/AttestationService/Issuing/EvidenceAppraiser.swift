import Collateral
import Encoding
import Evidence

/// Judges the evidence of one request: finds the collateral, verifies, and holds the request's data against what the
/// evidence binds (attestation API reference, section 15, up to the incoming claims).
struct EvidenceAppraiser: Sendable {
    let verifier: EvidenceVerifier
    let collateral: any CollateralSource
    let launches: LaunchAcceptance
    /// What is asked of all evidence; whoever appraises adds what is distrusted at that moment.
    var acceptance: AcceptancePolicy

    /// What this service asks of evidence that its policies cannot ask for later: revocation lists, no debugging.
    ///
    /// Azure's TDs run without SEPT_VE_DISABLE, and its own service gives them tokens that say so; so does this one.
    init(
        anchors: TrustAnchors, collateral: any CollateralSource, launches: LaunchAcceptance
    ) {
        verifier = EvidenceVerifier(anchors: anchors)
        self.collateral = collateral
        self.launches = launches
        var acceptance = AcceptancePolicy.default
        acceptance.requireRevocationLists = true
        acceptance.tdx = acceptance.hcl.tdx
        self.acceptance = acceptance
    }

    /// - Throws: every code of evidence and collateral, `binding-mismatch`, `config-mismatch`.
    func appraise(
        _ type: AttestationType, _ request: AttestRequest, at time: Timestamp
    ) async throws(Refusal) -> AppraisedEvidence {
        switch type {
        case .sgxEnclave: return try await quote(request.evidence, .sgx, request, at: time)
        case .openEnclave:
            let report = try OpenEnclaveReport(request.evidence)
            var evidence = try await quote(report.quote, .sgx, request, at: time)
            evidence.nameQuote(request.evidence)
            return evidence
        case .tdxVm:
            var evidence = try await quote(request.evidence, .tdx, request, at: time)
            evidence.claims["x-ms-compliance-status"] = launches.status(tdx: evidence.claims)
            return evidence
        case .sevSnpVm: return try await report(request, at: time)
        case .azureGuest: return try await guest(try GuestAttestation(request.evidence), at: time)
        case .tpm: throw Refusal(.requestMalformed, "Tpm has an exchange of its own")
        }
    }

    // MARK: Intel

    private func quote(
        _ bytes: [UInt8], _ tee: TEE, _ request: AttestRequest, at time: Timestamp
    ) async throws(Refusal) -> AppraisedEvidence {
        let collateral = try await dcap(bytes, tee, at: time)
        let verdict = verifier.verify(bytes, tee: tee, collateral: .dcap(collateral), at: time, policy: acceptance)
        try verdict.requireAccepted()
        try Self.requireBinding(request, verdict)
        return AppraisedEvidence(verdict)
    }

    /// Asks for collateral only what a chain under a trusted root says, so that nobody can make this service ask the
    /// vendor for made-up platforms.
    private func dcap(_ bytes: [UInt8], _ tee: TEE, at time: Timestamp) async throws(Refusal) -> DCAPCollateral {
        let quote = try DCAPQuote(bytes[...])
        guard quote.tee == tee else {
            throw Refusal(.evidenceMalformed, "the quote is of \(quote.tee.rawValue), not of \(tee.rawValue)")
        }
        let platform = try verifier.platformIdentity(of: quote)
        return try await collateral.dcap(tee: tee, fmspc: platform.fmspc, ca: platform.ca, at: time)
    }

    // MARK: AMD

    private func report(_ request: AttestRequest, at time: Timestamp) async throws(Refusal) -> AppraisedEvidence {
        // The oldest clients send what lies in the virtual TPM's memory.
        if request.evidence.starts(with: "HCLA".utf8) { return try await storedReport(request, at: time) }
        let envelope = try SNPEnvelope(request.evidence)
        let verdict = verifier.verify(
            envelope.report, tee: .snp, collateral: .snp(try await snp(envelope, at: time)), at: time,
            policy: acceptance)
        try verdict.requireAccepted()
        try Self.requireBinding(request, verdict)
        var evidence = AppraisedEvidence(verdict)
        let launch = try launches.status(
            snp: evidence.claims, endorsements: envelope.endorsements, at: time, distrusted: acceptance.distrusted)
        evidence.claims["x-ms-compliance-status"] = launch.claim
        evidence.marks += launch.marks
        return evidence
    }

    private func storedReport(_ request: AttestRequest, at time: Timestamp) async throws(Refusal) -> AppraisedEvidence {
        let stored = try HCLReport(request.evidence[...])
        guard case .snp(let report) = stored.hardware else {
            throw Refusal(.evidenceMalformed, "the HCL report is not over SNP; TDX goes to TdxVm with its TD quote")
        }
        // Reports of version 2 do not name their product; only Milan made any under Azure.
        let product = report.product ?? .milan
        let found = try await collateral.snp(
            product: product, chipID: Array(report.chipID), tcb: report.reportedTCB(product), at: time)
        let verdict = verifier.verify(
            Array(report.bytes), tee: .snp, collateral: .snp(found), at: time, policy: acceptance,
            reportData: stored.runtimeDigest)
        try verdict.requireAccepted()
        try Self.requireBinding(request, verdict)
        var evidence = AppraisedEvidence(verdict)
        if request.runtimeData == nil { evidence.claims["x-ms-runtime"] = stored.runtimeData.json }
        evidence.claims["x-ms-compliance-status"] = try launches.status(snp: evidence.claims, at: time).claim
        return evidence
    }

    /// The certificates of the request, and the list that goes with them.
    private func snp(_ envelope: SNPEnvelope, at time: Timestamp) async throws(Refusal) -> SNPCollateral {
        let endorser = try verifier.endorser(of: envelope.certificates)
        let list = try await collateral.snpCRL(
            product: endorser.product.rawValue, kind: endorser.isVLEK ? .vlek : .vcek, at: time)
        return endorser.collateral(list: list)
    }

    // MARK: Azure's guest

    private func guest(_ guest: GuestAttestation, at time: Timestamp) async throws(Refusal) -> AppraisedEvidence {
        let found: EvidenceCollateral =
            switch guest.hardware {
            case .snp(let envelope): .snp(try await snp(envelope, at: time))
            case .tdx(let quote): .dcap(try await dcap(quote, .tdx, at: time))
            }
        let verdict = verifier.verify(
            try guest.evidence().json.canonical, tee: .hcl, collateral: found, at: time, policy: acceptance)
        try verdict.requireAccepted()
        guard case .hcl(let report, let state) = verdict.attested else {
            throw Refusal(.evidenceMalformed, "the evidence is not of an Azure confidential VM")
        }
        var evidence = AppraisedEvidence(verdict)
        let key = try guest.encryptionKey(certifiedBy: report.runtimeData.attestationKey)
        let hardware =
            switch guest.hardware {
            case .snp:
                (type: AttestationType.sevSnpVm, status: try launches.status(snp: verdict.claims, at: time).claim)
            case .tdx: (type: AttestationType.tdxVm, status: launches.status(tdx: verdict.claims))
            }
        evidence.claims =
            GuestClaims(
                guest, verdict: verdict, report: report, state: state, hardware: hardware, key: key
            ).members
        evidence.recipient = key
        return evidence
    }

    // MARK: Binding

    /// Runtime data is bound by the report data's first half, init-time data by what whoever started the TEE chose.
    private static func requireBinding(_ request: AttestRequest, _ verdict: Verdict) throws(Refusal) {
        if let runtime = request.runtimeData {
            guard verdict.reportData.prefix(32).elementsEqual(Digest(of: runtime.bytes).bytes) else {
                throw Refusal(.bindingMismatch, "the report data is not the digest of runtimeData")
            }
        }
        if let initTime = request.initTimeData {
            // Empty host data is SGX without key separation, which has nothing to bind with.
            guard verdict.hostData.prefix(32).elementsEqual(Digest(of: initTime.bytes).bytes) else {
                throw Refusal(.configMismatch, "the host data or configuration id is not the digest of initTimeData")
            }
        }
    }
}

extension AppraisedEvidence {
    /// Claims about an Open Enclave report name it with its header, as Azure's recorded replies do.
    fileprivate mutating func nameQuote(_ report: [UInt8]) {
        for name in ["x-ms-sgx-collateral", "maa-attestationcollateral"] {
            guard var hashes = claims[name]?.object else { continue }
            hashes["quotehash"] = .string(Digest(of: report).hex)
            claims[name] = .object(hashes)
        }
    }
}
