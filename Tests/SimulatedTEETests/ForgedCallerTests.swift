import Encoding
import Evidence
import Foundation
import SimulatedTEE
import Testing

/// Attempts to get evidence about a program that did not ask for it (architecture section 11 rule 9).
///
/// `cat` plays the genuine program: it runs until its child opens the pipe `gate`.
@Suite(.enabled(if: PythonProcess.isAvailable, "no python3"))
struct ForgedCallerTests {
    private static let genuineProgram = """
        import atexit
        gate = socket_path + ".gate"
        os.mkfifo(gate)

        def become_genuine(*before, output=None):
            # The parent becomes the program; the child goes on here, and ends the program when it ends itself.
            parent = os.getpid()
            if os.fork() != 0:
                if output is not None:
                    os.dup2(output, 1)
                os.execv("/bin/cat", ["/bin/cat", *before, gate])
            atexit.register(lambda: open(gate, "w").close())
            return parent

        """ + "\n"

    private func refusal(_ script: String) async throws -> JSON {
        var answer = JSON.null
        try await RunningSimulator.run { simulator in
            answer = try await PythonProcess.call(Self.genuineProgram + script, socket: simulator.socket)
        }
        return answer
    }

    @Test func `connect, fork, execute a genuine program: the child is not answered for its parent`() async throws {
        let answer = try await refusal(
            """
            s = connect()
            wait_for_program(become_genuine(), "cat")
            show(hello(s))
            """)
        #expect(answer == ["refused": "instance-mismatch"])
    }

    @Test func `a hello of the parent does not carry over to a request of the child`() async throws {
        let answer = try await refusal(
            """
            s = connect()
            nonce = hello(s)["nonce"]
            wait_for_program(become_genuine(), "cat")
            send(s, request(nonce))
            show(receive(s))
            """)
        #expect(answer == ["refused": "instance-mismatch"])
    }

    @Test func `a request of another process that runs the same program is refused`() async throws {
        let answer = try await refusal(
            """
            s = connect()
            nonce = hello(s)["nonce"]
            child = os.fork()
            if child == 0:
                send(s, request(nonce))
                show(receive(s))
                os._exit(0)
            os.waitpid(child, 0)
            """)
        #expect(answer == ["refused": "instance-mismatch"])
    }

    @Test func `a process that became another program between its two messages is refused`() async throws {
        // The genuine program itself sends the request on the connection, as the same process.
        let answer = try await refusal(
            """
            s = connect()
            nonce = hello(s)["nonce"]
            path = socket_path + ".request"
            open(path, "w").write(json.dumps(request(nonce)))
            become_genuine(path, output=s.fileno())
            show(receive(s))
            """)
        #expect(answer == ["refused": "instance-mismatch"])
    }

    @Test func `a connection that another process made is refused`() async throws {
        let answer = try await refusal(
            """
            s = connect()
            child = os.fork()
            if child == 0:
                show(hello(s))
                os._exit(0)
            os.waitpid(child, 0)
            """)
        #expect(answer == ["refused": "instance-mismatch"])
    }

    @Test func `an executable that was touched since it was measured is refused`() async throws {
        try await RunningSimulator.run { simulator in
            let python = try #require(PythonProcess.interpreter)
            let copy = simulator.folder.appending(path: "program")
            try FileManager.default.copyItem(at: URL(filePath: python.path), to: copy)
            let answer = try await PythonProcess.call(
                """
                s = connect()
                nonce = hello(s)["nonce"]
                os.utime("\(copy.path)", (1, 1))
                send(s, request(nonce))
                show(receive(s))
                """, socket: simulator.socket, interpreter: copy.path)
            #expect(answer == ["refused": "measurement-unknown"])
        }
    }

    @Test func `what runs is measured, not what stands at its path since`() async throws {
        try await RunningSimulator.run { simulator in
            let python = try #require(PythonProcess.interpreter)
            let copy = simulator.folder.appending(path: "program")
            try FileManager.default.copyItem(at: URL(filePath: python.path), to: copy)
            let answer = try await PythonProcess.call(
                """
                import shutil
                os.unlink("\(copy.path)")
                shutil.copy("/bin/cat", "\(copy.path)")
                show(evidence())
                """, socket: simulator.socket, interpreter: copy.path)
            let claim = try simulator.verdict(answer, .sgx).claims[Scene.measurement(.sgx)]?.string
            #expect(claim == (try Scene.expected(.sgx, python.path)))
            #expect(claim != (try Scene.expected(.sgx, copy.path)))
        }
    }
}
