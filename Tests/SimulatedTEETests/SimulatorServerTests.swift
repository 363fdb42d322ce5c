import Attester
import Encoding
import Evidence
import Foundation
import SimulatedTEE
import Testing

@Suite(.enabled(if: PythonProcess.isAvailable, "no python3"))
struct SimulatorServerTests {
    @Test(arguments: [TEE.sgx, .snp])
    func `a process gets evidence about its own executable, with its report data and party`(tee: TEE) async throws {
        try await RunningSimulator.run { simulator in
            let answer = try await PythonProcess.call("show(evidence('\(tee.rawValue)'))", socket: simulator.socket)
            let verdict = try simulator.verdict(answer, tee)
            #expect(verdict.accepted, "\(verdict.detail)")
            let python = try #require(PythonProcess.interpreter)
            #expect(verdict.claims[Scene.measurement(tee)]?.string == (try Scene.expected(tee, python.path)))
            #expect(verdict.reportData == Array(0..<64))
            #expect(verdict.hostData == Array(0..<32))
        }
    }

    @Test("AC-005 one byte changed in a copy of an executable changes its measurement", arguments: [TEE.sgx, .snp])
    func changedByte(tee: TEE) async throws {
        try await RunningSimulator.run { simulator in
            let python = try #require(PythonProcess.interpreter)
            var content = [UInt8](try Data(contentsOf: URL(filePath: python.path)))
            // Padding of the ELF identification: the program runs as before.
            content[15] ^= 1
            let copy = simulator.folder.appending(path: "copy")
            try Data(content).write(to: copy)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy.path)
            let script = "show(evidence('\(tee.rawValue)'))"
            let genuine = try await PythonProcess.call(script, socket: simulator.socket)
            let tampered = try await PythonProcess.call(script, socket: simulator.socket, interpreter: copy.path)
            let name = Scene.measurement(tee)
            let claim = try simulator.verdict(tampered, tee).claims[name]?.string
            #expect(claim == (try Scene.expected(tee, copy.path)))
            #expect(claim != (try simulator.verdict(genuine, tee).claims[name]?.string))
        }
    }

    @Test func `this project's client gets evidence through the socket, and the simulator's refusals`() async throws {
        try await RunningSimulator.run { simulator in
            let source = SimulatedSource(
                socket: simulator.socket, party: Scene.party, tee: .snp, timeoutMilliseconds: 120_000)
            let made = try await source.evidence(reportData: Scene.reportData)
            let verdict = try Scene.trusting(simulator.factory.root).verify(
                made.evidence, tee: .snp, collateral: made.collateral, at: Scene.time, reportData: Scene.reportData)
            #expect(verdict.accepted, "\(verdict.detail)")
            #expect(verdict.hostData == Scene.party.bytes)
            #expect(
                verdict.claims[Scene.measurement(.snp)]?.string == (try Scene.expected(.snp, "/proc/self/exe")))

            let other = SimulatedSource(socket: simulator.socket, party: Digest(of: "another party"), tee: .sgx)
            let refusal = await #expect(throws: Refusal.self) {
                try await other.evidence(reportData: Scene.reportData)
            }
            #expect(refusal?.code == .configMismatch)
        }
        let nobody = SimulatedSource(socket: "/nonexistent/socket", party: Scene.party, tee: .sgx)
        let refusal = await #expect(throws: Refusal.self) { try await nobody.evidence(reportData: Scene.reportData) }
        #expect(refusal?.code == .notReady)
    }

    @Test func `the party of a process is fixed by its first hello`() async throws {
        try await RunningSimulator.run { simulator in
            let answers = try await PythonProcess.call(
                """
                first = evidence()
                again = evidence()
                other = evidence(whose=other_party)
                show([sorted(first), sorted(again), other])
                """, socket: simulator.socket)
            #expect(
                answers == [
                    ["collateral", "evidence"], ["collateral", "evidence"], ["refused": "config-mismatch"],
                ])
        }
    }

    @Test(arguments: ["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH"])
    func `a caller whose loader was told to add code is refused`(variable: String) async throws {
        try await RunningSimulator.run { simulator in
            let answer = try await PythonProcess.call(
                "show(evidence())", socket: simulator.socket, environment: [variable: "/nonexistent.so"])
            #expect(answer == ["refused": "measurement-unknown"])
        }
    }

    @Test func `a traced caller is refused`() async throws {
        try await RunningSimulator.run { simulator in
            let answer = try await PythonProcess.call(
                """
                child = os.fork()
                if child == 0:
                    trace_me = 0
                    if ctypes.CDLL(None).ptrace(trace_me, 0, 0, 0) != 0:
                        raise SystemExit("ptrace is not possible here")
                    show(evidence())
                    os._exit(0)
                os.waitpid(child, 0)
                """, socket: simulator.socket)
            #expect(answer == ["refused": "debug-enabled"])
        }
    }

    @Test func `a caller that becomes traced between its two messages is refused`() async throws {
        try await RunningSimulator.run { simulator in
            let answer = try await PythonProcess.call(
                """
                child = os.fork()
                if child == 0:
                    s = connect()
                    nonce = hello(s)["nonce"]
                    if ctypes.CDLL(None).ptrace(0, 0, 0, 0) != 0:
                        raise SystemExit("ptrace is not possible here")
                    send(s, request(nonce))
                    show(receive(s))
                    os._exit(0)
                os.waitpid(child, 0)
                """, socket: simulator.socket)
            #expect(answer == ["refused": "debug-enabled"])
        }
    }

    @Test(arguments: [
        (#"send(s, b"no JSON")"#, "request-malformed"),
        (#"send(s, {"hello": 2, "party": party})"#, "request-malformed"),
        (#"send(s, {"hello": 1, "party": party, "more": 1})"#, "request-malformed"),
        (#"send(s, {"hello": 1, "party": "short"})"#, "request-malformed"),
        (#"send(s, greeting + b" " * 65536)"#, "request-malformed"),
        (#"s.sendmsg([greeting], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, bytes(4))])"#, "request-malformed"),
        (#"nonce = hello(s)["nonce"]; send(s, request(party))"#, "binding-mismatch"),
        (#"nonce = hello(s)["nonce"]; send(s, request(nonce, tee="tpm"))"#, "request-malformed"),
        (#"nonce = hello(s)["nonce"]; send(s, request(nonce, tee="none"))"#, "request-malformed"),
        (#"nonce = hello(s)["nonce"]; send(s, request(nonce, data=party))"#, "request-malformed"),
        (#"nonce = hello(s)["nonce"]; send(s, request(nonce) | {"measurement": "mine"})"#, "request-malformed"),
        (#"nonce = hello(s)["nonce"]; send(s, {"hello": 1, "party": party})"#, "request-malformed"),
    ])
    func `messages that are not of the exchange are refused`(script: String, code: String) async throws {
        try await RunningSimulator.run { simulator in
            let answer = try await PythonProcess.call(
                "s = connect()\n\(script)\nshow(receive(s))", socket: simulator.socket)
            #expect(answer == ["refused": .string(code)])
        }
    }

    @Test func `connections beyond the bound wait, and are served when others end`() async throws {
        try await RunningSimulator.run { simulator in
            let answers = try await PythonProcess.call(
                """
                held = [connect() for _ in range(32)]
                waiting = connect()
                send(waiting, greeting)
                waiting.settimeout(0.5)
                try:
                    early = receive(waiting)
                except TimeoutError:
                    early = "nothing"
                for s in held: s.close()
                waiting.settimeout(120)
                show([early, sorted(receive(waiting))])
                """, socket: simulator.socket)
            #expect(answers == ["nothing", ["nonce"]])
        }
    }

    @Test func `a second simulator on a socket that answers is refused, and a dead socket is replaced`() async throws {
        try await RunningSimulator.run { simulator in
            let refusal = #expect(throws: Refusal.self) {
                try SimulatorServer(socket: simulator.socket, factory: simulator.factory)
            }
            #expect(refusal?.code == .conflict)
            let dead = simulator.folder.appending(path: "dead").path
            // Bound, never served, let go: the path stays behind.
            _ = try SimulatorServer(socket: dead, factory: simulator.factory)
            #expect(FileManager.default.fileExists(atPath: dead))
            let server = try SimulatorServer(socket: dead, factory: simulator.factory)
            let serving = Task { await server.run() }
            let answer = try await PythonProcess.call("show(sorted(evidence()))", socket: dead)
            #expect(answer == ["collateral", "evidence"])
            serving.cancel()
            await serving.value
            #expect(!FileManager.default.fileExists(atPath: dead))
        }
    }
}
