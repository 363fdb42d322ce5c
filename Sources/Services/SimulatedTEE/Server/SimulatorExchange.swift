import Attester
import CUnixSocket
import Encoding
import Evidence

/// One connection of the simulator: hello, measurement, nonce, request, second look, evidence.
///
/// `SO_PEERCRED` alone can be forged: a process connects, forks, and executes a genuine program, and its child, which
/// holds the connection too, would be answered for that program. So every message must come from the same process, the
/// process must execute the same file before and after, and the nonce shows that the request was sent in between.
///
/// Not covered: a caller that may trace others without stopping them (`process_vm_writev`), send credentials of others
/// (CAP_SYS_ADMIN) or mount file systems stands above the simulated processor.
///
/// - Source: architecture section 11 rules 9 and 10; formats section 11.
struct SimulatorExchange {
    let connection: SeqPacketConnection
    let factory: EvidenceFactory
    let parties: PartyRegister
    let clock: WallClock
    let randomness: Randomness

    /// Answers one request; a refusal is sent to the caller and thrown.
    ///
    /// - Returns: the TEE of the evidence that was sent.
    func run() throws(Refusal) -> TEE {
        do throws(Refusal) {
            let evidence = try answer()
            let result: JSON = .object([
                "evidence": .string(Base64.encodeURL(evidence.evidence)),
                "collateral": evidence.collateral?.json ?? .null,
            ])
            try connection.send(result.canonical)
            return evidence.tee
        } catch {
            // A caller that no longer listens learns nothing, which changes nothing.
            do throws(Refusal) {
                try connection.send(JSON.object(["refused": .string(error.name)]).canonical)
            } catch {}
            throw error
        }
    }

    private func answer() throws(Refusal) -> AttesterEvidence {
        let (greeting, greeter) = try connection.receiveWithSender()
        let party = try Self.hello(greeting)
        guard greeter.pid > 0, greeter.pid == connection.connectingProcess else {
            throw Refusal(.instanceMismatch, "the connection was made by another process")
        }
        let caller = try CallerProcess(number: greeter.pid)
        try caller.requireOwnCode()
        let executable = try caller.executable()
        let measurement = try executable.measure()
        try parties.fix(party, for: caller.identity)

        let nonce = randomness.bytes(32)
        try connection.send(JSON.object(["nonce": .string(Base64.encodeURL(nonce))]).canonical)
        let (message, sender) = try connection.receiveWithSender()
        guard sender.pid == greeter.pid else {
            throw Refusal(.instanceMismatch, "the request comes from another process than the hello")
        }
        let request = try Request(message)
        guard constantTimeEquals(request.nonce, nonce) else {
            throw Refusal(.bindingMismatch, "the request does not repeat the nonce")
        }

        try caller.requireOwnCode()
        try executable.requireSame(as: try caller.executable())
        try caller.requireAlive()
        return try factory.evidence(
            request.tee, measurement: measurement, party: party, reportData: request.reportData, at: clock.now())
    }

    private static func hello(_ message: [UInt8]) throws(Refusal) -> Digest {
        var reader = try object(message, "hello")
        guard try reader.integer("hello") == 1 else {
            throw Refusal(.requestMalformed, "only version 1 of the exchange is spoken")
        }
        let party = try reader.digest("party")
        try reader.finish()
        return party
    }

    private struct Request {
        let nonce: [UInt8]
        let tee: TEE
        let reportData: [UInt8]

        init(_ message: [UInt8]) throws(Refusal) {
            var reader = try object(message, "request")
            nonce = try reader.bytes("nonce")
            guard let tee = TEE(rawValue: try reader.string("tee")) else {
                throw Refusal(.requestMalformed, "request names no TEE")
            }
            self.tee = tee
            reportData = try reader.bytes("reportData")
            try reader.finish()
        }
    }

    private static func object(_ message: [UInt8], _ what: String) throws(Refusal) -> ObjectReader {
        let json: JSON
        do throws(JSON.ParseError) {
            json = try JSON.parse(message)
        } catch {
            throw Refusal(.requestMalformed, "\(what): \(error)")
        }
        return try ObjectReader(json, what, refusing: .requestMalformed)
    }
}
