public import Encoding
public import Evidence

/// Evidence from `simulated-tee`, which measures the caller's executable and signs under a development root.
///
/// It gives no protection: whoever holds the development root's keys can sign anything.
public struct SimulatedSource: EvidenceSource {
    public let tee: TEE
    private let socket: String
    private let party: Digest
    private let timeoutMilliseconds: Int32

    /// - Parameters:
    ///   - socket: path of the simulator's socket.
    ///   - party: id of the party that runs the calling process; becomes the host data of its evidence.
    ///   - tee: `sgx`, `tdx`, `snp`, `hcl` or `nitro`.
    ///   - timeoutMilliseconds: how long each of the two answers may take.
    public init(socket: String, party: Digest, tee: TEE, timeoutMilliseconds: Int32 = 10_000) {
        self.socket = socket
        self.party = party
        self.tee = tee
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    public func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        try requireReportData(reportData)
        return try await offPool { () throws(Refusal) in try exchange(reportData) }
    }

    /// The exchange of formats section 11, on the calling thread.
    private func exchange(_ reportData: [UInt8]) throws(Refusal) -> AttesterEvidence {
        let connection = try SeqPacketConnection(path: socket, timeoutMilliseconds: timeoutMilliseconds)
        try connection.send(JSON.object(["hello": 1, "party": .string(party.description)]).canonical)
        var greeting = try answer(connection)
        let nonce = try greeting.string("nonce")
        try greeting.finish()
        let request: JSON = .object([
            "nonce": .string(nonce), "tee": .string(tee.rawValue),
            "reportData": .string(Base64.encodeURL(reportData)),
        ])
        try connection.send(request.canonical)
        var result = try answer(connection)
        let evidence = try result.bytes("evidence")
        let member = try result.value("collateral")
        let collateral = member == .null ? nil : try EvidenceCollateral(json: member, tee: tee)
        try result.finish()
        return AttesterEvidence(tee: tee, evidence: evidence, collateral: collateral)
    }

    /// The next answer; a refusal in it becomes this call's refusal.
    private func answer(_ connection: SeqPacketConnection) throws(Refusal) -> ObjectReader {
        let message = try connection.receive()
        let json: JSON
        do throws(JSON.ParseError) {
            json = try JSON.parse(message)
        } catch {
            throw Refusal(.evidenceMalformed, "answer of the simulated TEE: \(error)")
        }
        if let code = json["refused"]?.string {
            throw Refusal(RefusalCode(String(code.prefix(64)), status: 403), "the simulated TEE refused")
        }
        return try ObjectReader(json, "answer of the simulated TEE", refusing: .evidenceMalformed)
    }
}
