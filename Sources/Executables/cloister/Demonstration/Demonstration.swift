import AttestationToken
import Channel
import Encoding
import Evidence
import Imaging
import ServiceKit

/// The main job, played once: a clerk sends one brain slice through three attested parties.
struct Demonstration {
    let installation: Installation
    let reporter: StepReporter
    let terminal: Terminal
    /// DICOM file.
    let image: String
    /// One-time secret that the hospital's policy names.
    let enrolmentSecret: String
    /// How often the image goes through, for measuring; the last result is the one that is shown.
    var runs = 1

    /// What the run produced.
    struct Outcome: Sendable {
        var family: String
        var volumes: JSON
        var overlay: String
        var passport: String
        var grade: Grade
        var hops: [PassportVerdict.Hop]
    }

    private static let partBytes = 1 << 20
    /// How long the platform may take with one slice.
    private static let patience = Duration.seconds(180)

    func run() async throws -> Outcome {
        let state = installation.state
        let client = try Client(authorities: state.certificateAuthority)
        do {
            let outcome = try await play(client)
            await client.shutdown()
            return outcome
        } catch {
            await client.shutdown()
            throw error
        }
    }

    private func play(_ client: Client) async throws -> Outcome {
        let state = installation.state
        let trust = try ClerkTrust(
            folder: state["portal"], simulatedRoot: state.simulatedRoot, at: WallClock.system.now())
        let clerk = ClerkClient(client: client, trust: trust)
        let file = try Files.readArgument(image)

        try await reporter.step("verify the platform") {
            let proof = try await clerk.attest()
            let name = "\(proof.manifest.unit) release \(proof.manifest.sequence)"
            return (
                (),
                "\(proof.verdict.tee.rawValue) evidence over our nonce, \(proof.verdict.grade.rawValue); "
                    + "measurement is \(name), signed by its vendor; token signed by the pinned issuer"
            )
        }
        let (user, password) = try await openAccount(clerk)
        try await reporter.step("sign in", proven: "inside the channel: whoever ends TLS sees no session") {
            try await clerk.signIn(user: user, password: password)
        }
        let patient = SyntheticPatient()
        let patientID = try await reporter.step(
            "patient intake", proven: "stored under the key that the hospital released to this measurement"
        ) {
            try await Demonstration.member("id", clerk.call("POST", "/patients", patient.json))
        }
        var resultID = try await awaitResult(of: upload(file, patient: patientID, clerk), clerk)
        for _ in 1..<max(1, runs) {
            resultID = try await awaitResult(of: upload(file, patient: patientID, clerk), clerk)
        }
        let result = try await reporter.step("result", proven: "label map and volumes, opened here and nowhere else") {
            try await clerk.call("GET", "/results/\(resultID)")
        }
        let passportID = try Demonstration.member("passport", result)
        let (passportFile, verdict) = try await verifyPassport(passportID, result, trust, clerk)
        let overlay = try await reporter.step("overlay", proven: "written beside the state") {
            try writeOverlay(result)
        }
        return Outcome(
            family: patient.family, volumes: result["volumes"] ?? .null, overlay: overlay, passport: passportFile,
            grade: verdict.grade, hops: verdict.hops)
    }

    /// The first account of a tenant opens with a secret that only the hospital has.
    private func openAccount(_ clerk: ClerkClient) async throws -> (user: String, password: String) {
        let user = "clerk-\(Hex.encode(Randomness.system.bytes(3)))"
        let password = Base64.encodeURL(Randomness.system.bytes(18))
        try await reporter.step("open an account", proven: "one-time enrolment secret, named in the hospital's policy")
        {
            _ = try await clerk.call(
                "POST", "/accounts",
                ["enrolment": .string(enrolmentSecret), "user": .string(user), "password": .string(password)])
        }
        terminal.say("      user \(user), password \(password) (random, shown once)")
        return (user, password)
    }

    private func upload(_ file: [UInt8], patient: String, _ clerk: ClerkClient) async throws -> String {
        try await reporter.step("upload the image") {
            let study = try await clerk.call(
                "POST", "/studies", ["patient": .string(patient), "description": "Brain, one axial slice"])
            let upload = try Demonstration.member("upload", study)
            let progress = ProgressBar(terminal, "upload the image", total: file.count)
            var index = 0
            for start in stride(from: 0, to: file.count, by: Demonstration.partBytes) {
                let part = Array(file[start..<min(start + Demonstration.partBytes, file.count)])
                try await clerk.put("/uploads/\(upload)/parts/\(index)", octets: part)
                progress.show(start + part.count)
                index += 1
            }
            let done = try await clerk.call(
                "POST", "/uploads/\(upload)/complete",
                ["length": .integer(Int64(file.count)), "sha256": .string(Digest(of: file).hex)])
            let suite = await clerk.suite?.rawValue ?? ""
            return (
                try Demonstration.member("job", done),
                "\(file.count) bytes in \(index) sealed part\(index == 1 ? "" : "s") (\(suite)), each durable when acknowledged"
            )
        }
    }

    /// Waits for the event by which the platform tells its staff.
    private func awaitResult(of job: String, _ clerk: ClerkClient) async throws -> String {
        try await reporter.step("diagnosis") {
            let end = ContinuousClock.now + Demonstration.patience
            var seen: Int64 = 0
            while ContinuousClock.now < end {
                guard !Interruption.hasArrived else { throw CommandFailure("interrupted") }
                let answer = try await clerk.call("GET", "/events?after=\(seen)")
                let events = answer["events"]?.array ?? []
                seen = events.compactMap { $0["sequence"]?.integer }.max() ?? seen
                let event = events.last { $0["job"]?.string == job }
                if let event, event["kind"]?.string == "result", let result = event["result"]?.string {
                    return (result, "the model ran in the provider's unit, on pixels without a name")
                }
                if event?["kind"]?.string == "failed" {
                    let state = try await clerk.call("GET", "/jobs/\(job)")
                    throw Refusal(
                        name: state["code"]?.string, status: 422, state["detail"]?.string ?? "the job failed")
                }
                try await Task.sleep(for: .milliseconds(200))
            }
            throw CommandFailure("no result came in time", advice: "the platform's log is in the state folder")
        }
    }

    private func verifyPassport(
        _ id: String, _ result: JSON, _ trust: ClerkTrust, _ clerk: ClerkClient
    ) async throws -> (file: String, verdict: PassportVerdict) {
        try await reporter.step("passport") {
            let json = try await clerk.call("GET", "/passports/\(id)")
            let file = installation.state["demo/\(id).passport.json"]
            try Files.write(json.canonical, to: file)
            let passport = try Passport(parsing: try Files.read(file, maximumBytes: Passport.maximumBytes))
            let verdict = try passport.verify(trusting: PassportTrust(parties: [trust.party], anchors: trust.anchors))
            try verdict.require(Demonstration.model(of: result))
            return (
                (file, verdict),
                "offline: \(verdict.hops.count) hops, tokens, evidence and releases; valid as of \(verdict.validAsOf)"
            )
        }
    }

    private static func model(of result: JSON) throws(Refusal) -> ModelReference {
        guard let model = result["model"], let name = model["name"]?.string, let version = model["version"]?.string,
            let sha256 = model["sha256"]?.string.flatMap({ Hex.decode($0) })
        else { throw Refusal(.receiptInvalid, part: "model", "the result does not name its model") }
        return ModelReference(name: name, sha256: sha256, version: version)
    }

    private func writeOverlay(_ result: JSON) throws -> String {
        guard let rows = result["rows"]?.integer, let columns = result["columns"]?.integer,
            let labels = result["labels"]?.string.flatMap({ Base64.decode($0) }),
            let grey = result["image"]?.string.flatMap({ Base64.decode($0) })
        else { throw Refusal(.outputShape, "the result holds no label map") }
        let pixels = try LabelOverlay.paint(labels, over: grey)
        let png = try PNG.encode(width: Int(columns), height: Int(rows), .rgb, pixels)
        let path = installation.state["demo/overlay.png"]
        try Files.write(png, to: path)
        return path
    }

    private static func member(_ name: String, _ json: JSON) throws(Refusal) -> String {
        guard let value = json[name]?.string else {
            throw Refusal(.requestMalformed, "the platform's answer has no \(name)")
        }
        return value
    }
}
