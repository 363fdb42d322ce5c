import AttestationToken
import Attester
import Audit
import Channel
import Encoding
import Evidence
import Imaging
import InferenceProtocol
import Records
import ServiceLifecycle
import Synchronization
import Telemetry
import Unit

/// Takes waiting jobs to the diagnostics unit and commits what comes back.
final class DiagnosisWorker: Service, Sendable {
    /// How long one attempt may take.
    static let timeLimit = Duration.seconds(60)
    /// How long the worker waits before it looks again by itself.
    private static let idleSeconds: Int64 = 5

    private let runtime: UnitRuntime
    private let tenants: Tenants
    private let store: RecordStore
    private let peer: PeerUnit
    private let audit: AuditLog
    private let model: (name: String, version: String)
    private let signal: AsyncStream<Void>
    private let signalContinuation: AsyncStream<Void>.Continuation

    init(
        runtime: UnitRuntime, tenants: Tenants, store: RecordStore, peer: PeerUnit, audit: AuditLog,
        model: (name: String, version: String)
    ) {
        self.runtime = runtime
        self.tenants = tenants
        self.store = store
        self.peer = peer
        self.audit = audit
        self.model = model
        (signal, signalContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Says that there is work.
    func wake() {
        signalContinuation.yield()
    }

    /// Puts back what a former process was doing, then works until shutdown.
    func run() async throws {
        try await store.recoverJobs()
        wake()
        let ticker = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(DiagnosisWorker.idleSeconds))
                self.wake()
            }
        }
        await cancelWhenGracefulShutdown {
            for await _ in self.signal {
                do throws(Refusal) {
                    try await self.turn()
                } catch {
                    self.runtime.log.warning(
                        "jobs wait", [.code: .identifier(error.name), .detail: .refusalDetail(error.detail)])
                }
            }
        }
        ticker.cancel()
    }

    /// Works on every job that waits now.
    private func turn() async throws(Refusal) {
        let now = try runtime.clock.now()
        try await store.expireJobs(at: now)
        for (tenant, job) in try await store.pendingJobs() {
            if Task.isCancelled { return }
            try await work(job, of: tenant)
        }
    }

    private func work(_ id: RecordID, of tenant: Digest) async throws(Refusal) {
        let trusted = try tenants.policy(of: tenant)
        let records = try await tenants.records(of: tenant)
        // A peer that cannot be reached or trusted now costs no attempt: the job waits, visibly pending.
        try await peer.prepare(under: trusted, timeLimit: DiagnosisWorker.timeLimit)
        let start = try runtime.clock.now()
        let limit = DiagnosisWorker.timeLimit.components.seconds
        let claimed = try await records.write { writer throws(Refusal) in
            try writer.claim(id, at: start, timeLimit: limit)
        }
        guard let job = claimed else { return }
        do throws(Refusal) {
            try await diagnose(job, records, trusted)
            runtime.metrics.count("jobs_total", "Jobs that ended", ["outcome": .fixed("done")])
        } catch {
            let end: AttemptEnd = DiagnosisWorker.isFinal(error) ? .final : .mayRetry
            let time = try runtime.clock.now()
            let state = try await records.write { writer throws(Refusal) in
                try writer.endAttempt(job.attempt, of: id, error, end, at: time)
            }
            runtime.log.warning(
                "attempt failed",
                [
                    .code: .identifier(error.name), .attempt: .number(job.attempt), .job: .identifier(id.description),
                    .state: .identifier(state.rawValue),
                ])
            if state == .failed {
                runtime.metrics.count("jobs_total", "Jobs that ended", ["outcome": .fixed("failed")])
            }
        }
    }

    private func diagnose(_ job: Job, _ records: TenantRecords, _ trusted: TrustedPolicy) async throws(Refusal) {
        let bytes = try await records.read { reader throws(Refusal) in try reader.image(of: job.upload) }
        let input = try DiagnosisInput(try DICOMFile(parsing: bytes))
        let released = [trusted, runtime.policies.own].map { Set($0.policy.fields) }
        let request = try input.request(model: model, released: released)
        let sent = ContinuousClock.now
        let answer = try await peer.send(request, under: trusted, timeLimit: DiagnosisWorker.timeLimit)
        let elapsed = ContinuousClock.now - sent
        runtime.log.info(
            "diagnostics answered",
            [.job: .identifier(job.id.description), .microseconds: .number(Int64(elapsed / .microseconds(1)))])
        guard let peerToken = answer.peerTokens.first else {
            throw Refusal(.peerUnattested, "the answer came without a token of its sender")
        }
        try await audit.record(
            AuditEntry(
                event: "image-disclosed", outcome: .allowed, id: job.id.description, party: trusted.policy.party,
                token: peerToken.digest))
        guard answer.response.status == 200 else { throw PeerUnit.refusal(in: answer.response) }
        let diagnosis = try diagnosis(from: answer, input: input)
        let passport = try await passport(for: answer, trusted)
        let attribution = Attribution(
            platform: runtime.identity.party, diagnostics: peerToken.runtimeData.party,
            token: peerToken.digest, grade: peerToken.grade.rawValue)
        let time = try runtime.clock.now()
        _ = try await records.write { writer throws(Refusal) in
            try writer.finish(
                job.attempt, of: job.id, diagnosis: diagnosis, passport: passport, attribution: attribution, at: time
            ).result
        }
        runtime.log.info("result stored", [.job: .identifier(job.id.description)])
    }

    /// Holds the answer against what was asked, so that nothing but a label map of the image comes in (AC-056).
    private func diagnosis(from answer: PeerUnit.Answer, input: DiagnosisInput) throws(Refusal) -> Diagnosis {
        let message = try InferenceMessage(
            .response, parsing: answer.response.content,
            headerLength: answer.response.fields[InferenceMessage.headerLengthField])
        guard message.tensors.count == 1, let labels = message.tensors.first, labels.name == "labels",
            labels.dataType == .uint8, labels.shape == [1, input.image.rows, input.image.columns]
        else { throw Refusal(.outputShape, "the diagnostics unit did not answer with one label map of the image") }
        guard let volumes = message.parameters["volumes"], let csf = volumes["csf"]?.double,
            let grey = volumes["grey"]?.double, let white = volumes["white"]?.double,
            [csf, grey, white].allSatisfy({ $0.isFinite && $0 >= 0 })
        else { throw Refusal(.outputShape, "the diagnostics unit did not answer with three volumes") }
        guard let model = answer.hops.last?.content.model, model.name == self.model.name,
            model.version == self.model.version
        else {
            throw Refusal(.receiptInvalid, part: "model", "the answer's statement does not name the model asked for")
        }
        return try Diagnosis(
            rows: input.image.rows, columns: input.image.columns, labels: labels.bytes, image: input.image.rendered(),
            classes: ["background", "csf", "grey_matter", "white_matter"],
            volumes: TissueVolumes(csf: csf, grey: grey, white: white),
            model: ModelIdentity(name: model.name, version: model.version, sha256: Hex.encode(model.sha256)))
    }

    private func passport(for answer: PeerUnit.Answer, _ trusted: TrustedPolicy) async throws(Refusal) -> JSON {
        let epoch = try runtime.identity.current()
        let held = Set(epoch.tokens.values.map(\.digest))
        guard answer.ownTokens.allSatisfy({ held.contains($0.digest) }) else {
            throw Refusal(.notReady, "this unit's identity was renewed during the step; it is tried again")
        }
        var issuers: [Passport.Issuer] = []
        for url in Set((answer.ownTokens + answer.peerTokens).map(\.issuer.url)).sorted() {
            issuers.append(Passport.Issuer(url: url, chains: try await runtime.directory.chains(of: url)))
        }
        let own = EvidenceDocument(
            tee: epoch.evidence.tee, evidence: epoch.evidence.evidence, runtimeData: epoch.runtimeData.bytes,
            collateral: epoch.evidence.collateral)
        let manifests = [runtime.manifest] + (answer.peerDocument.manifest.map { [$0] } ?? [])
        let passport = try Passport(
            hops: answer.hops, tokens: answer.ownTokens.map(\.compact) + answer.peerShown, issuers: issuers,
            evidence: answer.ownTokens.map { _ in own } + answer.peerShown.map { _ in answer.peerDocument },
            manifests: manifests, policies: [trusted.compact])
        return passport.json
    }

    /// Whether the same would happen again: what the image or the policy says will not change by waiting.
    private static func isFinal(_ refusal: Refusal) -> Bool {
        [.imageInvalid, .inputInvalid, .outputShape, .fieldNotReleased, .modelInvalid, .modelDigest].contains(
            refusal.code)
    }
}
