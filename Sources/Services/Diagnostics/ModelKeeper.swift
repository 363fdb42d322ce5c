import AttestationToken
import Channel
import Encoding
import Inference
import ServiceKit
import ServiceLifecycle
import Synchronization
import Telemetry
import Unit

/// Holds the decrypted models for as long as their owner's key service releases their keys to this unit.
final class ModelKeeper: Service, Sendable {
    /// A model that is ready to run.
    struct Loaded: Sendable {
        var delineation: BrainDelineation
        var reference: ModelReference
    }

    private struct Identifier: Hashable, Sendable {
        var name: String
        var version: String
    }

    private enum State: Sendable {
        case waiting(Refusal)
        case ready(Loaded)
    }

    /// Largest sealed model file, in bytes.
    private static let maximumFileBytes = 1 << 30

    private let runtime: UnitRuntime
    private let configured: [DiagnosticsConfiguration.Model]
    private let library: String
    private let states: Mutex<[Identifier: State]>
    private let onnx = Mutex<ONNXRuntime?>(nil)

    init(runtime: UnitRuntime, models: [DiagnosticsConfiguration.Model], library: String) {
        self.runtime = runtime
        self.configured = models
        self.library = library
        let waiting = State.waiting(Refusal(.notReady, "the model's key has not been released yet"))
        states = Mutex(
            Dictionary(
                models.map { (Identifier(name: $0.name, version: $0.version), waiting) },
                uniquingKeysWith: { first, _ in first }))
    }

    /// The model, decrypted.
    ///
    /// - Throws: `not-found` for a model that is not configured, otherwise why it is not there.
    func model(_ name: String, version: String) throws(Refusal) -> Loaded {
        switch states.withLock({ $0[Identifier(name: name, version: version)] }) {
        case nil: throw Refusal(.notFound, "no such model")
        case .waiting(let refusal): throw refusal
        case .ready(let loaded): return loaded
        }
    }

    /// Why the first model that is not ready is not; nil when all are.
    func firstWaiting() -> Refusal? {
        states.withLock { states in
            for case .waiting(let refusal) in states.values { return refusal }
            return nil
        }
    }

    /// Asks for each key again with each epoch; a refusal drops the model at once (architecture rule 16).
    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                for model in self.configured { await self.keep(model) }
                try? await Task.sleep(for: self.firstWaiting() == nil ? .seconds(5) : .milliseconds(500))
            }
        }
    }

    private func keep(_ model: DiagnosticsConfiguration.Model) async {
        let identifier = Identifier(name: model.name, version: model.version)
        do throws(Refusal) {
            let secret = try await lease(model.key)
            if case .ready = states.withLock({ $0[identifier] }) { return }
            let loaded = try load(model, key: secret)
            states.withLock { $0[identifier] = .ready(loaded) }
            runtime.log.info(
                "model ready",
                [
                    .model: .identifier(model.name), .version: .identifier(model.version),
                    .measurement: .identifier(Hex.encode(loaded.reference.sha256)),
                ])
        } catch {
            let former = states.withLock { states in
                let former = states[identifier]
                states[identifier] = .waiting(error)
                return former
            }
            // Said once, not at every turn.
            if case .waiting(let refusal) = former, refusal == error { return }
            runtime.log.warning(
                "model not ready", [.code: .identifier(error.name), .detail: .refusalDetail(error.detail)])
        }
    }

    private func lease(_ key: String) async throws(Refusal) -> Secret {
        let policy = runtime.policies.own.policy
        var refusal = Refusal(.insecureConfiguration, "the provider's policy names no key service")
        for service in policy.keyServices {
            do throws(Refusal) {
                return try await runtime.leases.lease(
                    KeyLeases.Name(service: service, authorities: policy.authorities, key: key)
                ).secret
            } catch {
                refusal = error
            }
        }
        throw refusal
    }

    private func load(_ model: DiagnosticsConfiguration.Model, key: Secret) throws(Refusal) -> Loaded {
        let sealed: [UInt8]
        do { sealed = try AtomicFile.read(model.file, maximumBytes: ModelKeeper.maximumFileBytes) } catch {
            throw Refusal(.modelInvalid, "the sealed model cannot be read (\(error))")
        }
        let bytes = try SealedFile.open(sealed, key: key, name: model.name, mismatch: .modelDigest)
        let onnx = try runtimeLibrary()
        // The digest stands in the sealed header, which only the holder of the model's key can have written.
        let digest = Digest(of: bytes)
        let session = try ONNXSession(model: bytes, expected: digest, runtime: onnx)
        return Loaded(
            delineation: try BrainDelineation(session),
            reference: ModelReference(name: model.name, sha256: digest.bytes, version: model.version))
    }

    private func runtimeLibrary() throws(Refusal) -> ONNXRuntime {
        if let loaded = onnx.withLock({ $0 }) { return loaded }
        let loaded = try ONNXRuntime.load(library: library)
        onnx.withLock { $0 = loaded }
        return loaded
    }
}
