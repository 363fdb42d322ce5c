import Attester
import Encoding
import Evidence
import SimulatedTEE
import Synchronization
import Testing

@Suite struct ConfigFSSourceTests {
    /// Reports as a kernel would give them, with the certificates as a host would attach them.
    private func kernel(busy: Int = 0, interlopers: Int = 0, guids: [String] = Self.guids) throws -> FakeConfigFS {
        let factory = try Scene.factory()
        let collateral = try factory.collateral(at: Scene.time).snp
        let certificates = try #require(PEM.decode(collateral.vek + collateral.chain, label: "CERTIFICATE"))
        return FakeConfigFS(
            busy: busy, interlopers: interlopers, table: Self.table(Array(zip(guids, certificates)))
        ) { reportData in
            let made = try? factory.snp(
                measurement: Scene.program, party: Scene.party, reportData: reportData, at: Scene.time)
            return made?.evidence ?? []
        }
    }

    /// VCEK, ASK, ARK in the order of their text.
    private static let guids = [
        "63da758de6644564adc5f4b93be8accd", "4ab7b379bbac4fe4a02f05aef327c782", "c0b406a4a803495297433fb6014cd0ae",
    ]
    /// The same with their first three fields little-endian.
    private static let mixedGUIDs = [
        "8d75da6364e66445adc5f4b93be8accd", "79b3b74aacbbe44fa02f05aef327c782", "a406b4c003a8524997433fb6014cd0ae",
    ]

    private static func table(_ entries: [(String, [UInt8])], shift: UInt32 = 0) -> [UInt8] {
        var header: [UInt8] = []
        var content: [UInt8] = []
        let start = UInt32((entries.count + 1) * 24)
        for (guid, certificate) in entries {
            header += Hex.decode(guid) ?? []
            header.appendLittleEndian(start + UInt32(content.count) + shift)
            header.appendLittleEndian(UInt32(certificate.count))
            content += certificate
        }
        return header + [UInt8](repeating: 0, count: 24) + content
    }

    @Test(arguments: [guids, mixedGUIDs])
    func `a report and its certificates are what the verifier accepts`(guids: [String]) async throws {
        let kernel = try kernel(guids: guids)
        let made = try await ConfigFSSource(tee: .snp, files: kernel.files).evidence(reportData: Scene.reportData)
        let verdict = try Scene.trusting(try Scene.factory().root).verify(
            made.evidence, tee: .snp, collateral: made.collateral, at: Scene.time, reportData: Scene.reportData)
        #expect(verdict.accepted, "\(verdict.detail)")
        #expect(kernel.state.withLock { $0.entries.isEmpty }, "the entry is removed again")
    }

    @Test func `a busy provider and another writer are asked again, in a new entry`() async throws {
        let kernel = try kernel(busy: 2, interlopers: 2)
        let made = try await ConfigFSSource(tee: .snp, files: kernel.files).evidence(reportData: Scene.reportData)
        #expect(Array(try SNPReport(made.evidence[...]).reportData) == Scene.reportData)
        #expect(kernel.state.withLock { $0.madeEntries } == 5)
    }

    @Test func `a provider that stays busy, or a writer that does not stop, is a refusal`() async throws {
        for kernel in [try kernel(busy: 100), try kernel(interlopers: 100)] {
            let refusal = await #expect(throws: Refusal.self) {
                try await ConfigFSSource(tee: .snp, files: kernel.files).evidence(reportData: Scene.reportData)
            }
            #expect(refusal?.code == .notReady)
            #expect(kernel.state.withLock { $0.entries.isEmpty })
        }
    }

    @Test func `evidence over other report data is refused`() async throws {
        let factory = try Scene.factory()
        let stale = try factory.snp(
            measurement: Scene.program, party: Scene.party, reportData: [UInt8](repeating: 7, count: 64), at: Scene.time
        )
        let kernel = FakeConfigFS { _ in stale.evidence }
        let refusal = await #expect(throws: Refusal.self) {
            try await ConfigFSSource(tee: .snp, files: kernel.files).evidence(reportData: Scene.reportData)
        }
        #expect(refusal?.code == .bindingMismatch)
    }

    @Test func `a certificate table that points outside itself is refused`() async throws {
        let kernel = FakeConfigFS(table: Self.table([(Self.guids[0], [1, 2, 3])], shift: 1)) { reportData in
            [UInt8](repeating: 0, count: 0x50) + reportData
        }
        let refusal = await #expect(throws: Refusal.self) {
            try await ConfigFSSource(tee: .snp, files: kernel.files).evidence(reportData: Scene.reportData)
        }
        #expect(refusal?.code == .evidenceMalformed)
    }

    @Test(
        "report data is found in TDX quotes of either layout, and nowhere else",
        arguments: [(UInt8(4), 568, true), (5, 574, true), (4, 574, false), (5, 568, false), (5, 500, false)])
    func tdx(_ version: UInt8, _ offset: Int, _ isFound: Bool) async throws {
        let kernel = FakeConfigFS(provider: "tdx_guest") {
            [version] + [UInt8](repeating: 0, count: offset - 1) + $0
        }
        let source = ConfigFSSource(tee: .tdx, files: kernel.files)
        if isFound {
            let made = try await source.evidence(reportData: Scene.reportData)
            #expect(made.evidence.count == offset + 64)
        } else {
            let refusal = await #expect(throws: Refusal.self) {
                try await source.evidence(reportData: Scene.reportData)
            }
            #expect(refusal?.code == .bindingMismatch)
        }
    }

    @Test func `another provider, another length of report data, and no interface are refused`() async throws {
        let kernel = FakeConfigFS(provider: "tdx_guest") { [UInt8](repeating: 0, count: 568) + $0 }
        let other = await #expect(throws: Refusal.self) {
            try await ConfigFSSource(tee: .snp, files: kernel.files).evidence(reportData: Scene.reportData)
        }
        #expect(other?.code == .notReady)
        let tdx = try await ConfigFSSource(tee: .tdx, files: kernel.files).evidence(reportData: Scene.reportData)
        #expect(tdx.tee == .tdx)
        #expect(tdx.collateral == nil)
        let short = await #expect(throws: Refusal.self) {
            try await ConfigFSSource(tee: .tdx, files: kernel.files).evidence(reportData: [1])
        }
        #expect(short?.code == .requestMalformed)
        let absent = await #expect(throws: Refusal.self) {
            try await ConfigFSSource(tee: .snp, files: .rooted(at: "/nonexistent")).evidence(
                reportData: Scene.reportData)
        }
        #expect(absent?.code == .notReady)
    }
}
