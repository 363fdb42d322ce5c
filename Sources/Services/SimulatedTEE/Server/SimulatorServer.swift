import Attester
import CUnixSocket
import Dispatch
package import Encoding
import Evidence
package import Logging
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#endif

/// The simulator's socket: learns its callers from the kernel and signs evidence about them.
///
/// Bounds: 32 connections are served at a time, each with 10 seconds for every message; 64 more wait to be accepted. A
/// message is at most 64 KiB, an executable at most 1 GiB.
package final class SimulatorServer: Service {
    private static let maximumConnections = 32
    private static let messageTimeoutMilliseconds: Int32 = 10_000

    private let factory: EvidenceFactory
    private let parties = PartyRegister()
    private let clock: WallClock
    private let randomness: Randomness
    private let logger: Logger
    private let path: String
    private let listener: OwnedDescriptor
    /// Readable once the server shall stop.
    private let stopping: OwnedDescriptor
    /// One for each connection that may be served now.
    private let places = DispatchSemaphore(value: maximumConnections)

    /// Binds the socket: callers can connect as soon as this returns, and are answered while `run` runs.
    ///
    /// - Parameter socket: path of the socket. One left behind is replaced; its folder decides who reaches it.
    /// - Throws: `conflict` when another simulator answers there, `not-ready` when the path cannot be bound.
    package init(
        socket: String, factory: EvidenceFactory, clock: WallClock = .system, randomness: Randomness = .system,
        logger: Logger = Simulator.silence
    ) throws(Refusal) {
        self.factory = factory
        self.clock = clock
        self.randomness = randomness
        self.logger = logger
        path = socket
        if (try? SeqPacketConnection(path: socket, timeoutMilliseconds: 1_000)) != nil {
            throw Refusal(.conflict, "another simulated TEE answers on this socket")
        }
        // Bound under another name first: a path that is there is one that accepts.
        let fresh = socket + "." + Hex.encode(randomness.bytes(4))
        let number = unsafe fresh.withCString { unsafe cloister_unix_listen($0, 0o666, 64) }
        guard number >= 0 else { throw Refusal(.notReady, "the socket cannot be bound (system error \(-number))") }
        listener = OwnedDescriptor(number)
        guard unsafe rename(fresh, socket) == 0 else {
            let problem = errno
            unsafe unlink(fresh)
            throw Refusal(.notReady, "the socket cannot be named (system error \(problem))")
        }
        let event = cloister_event_open()
        guard event >= 0 else { throw Refusal(.notReady, "no event counter (system error \(-event))") }
        stopping = OwnedDescriptor(event)
    }

    /// Answers callers until shutdown or cancellation; exchanges that have begun are finished.
    package func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withCheckedContinuation { continuation in
                blockingThread("simulated-tee.accept").async {
                    self.acceptCallers()
                    continuation.resume()
                }
            }
        } onCancelOrGracefulShutdown: {
            cloister_event_signal(self.stopping.number)
        }
        unsafe unlink(path)
    }

    private func acceptCallers() {
        let exchanges = DispatchGroup()
        while cloister_unix_wait(listener.number, stopping.number) == 1 {
            places.wait()
            let number = cloister_unix_accept(listener.number, Self.messageTimeoutMilliseconds)
            guard number >= 0 else {
                places.signal()
                // The caller is gone again, or descriptors have run out: then a pause, so as not to ask without end.
                if number != -EAGAIN { usleep(10_000) }
                continue
            }
            let connection = SeqPacketConnection(OwnedDescriptor(number))
            blockingThread("simulated-tee.exchange").async(group: exchanges) {
                self.serve(connection)
                self.places.signal()
            }
        }
        exchanges.wait()
    }

    private func serve(_ connection: SeqPacketConnection) {
        let exchange = SimulatorExchange(
            connection: connection, factory: factory, parties: parties, clock: clock, randomness: randomness)
        do throws(Refusal) {
            let tee = try exchange.run()
            logger.info("simulated evidence signed", metadata: ["tee": "\(tee.rawValue)"])
        } catch {
            logger.warning("simulated evidence refused", metadata: ["code": "\(error.name)"])
        }
    }
}
