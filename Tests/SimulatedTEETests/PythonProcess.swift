import Encoding
import Foundation
import TestSupport

/// A Python program as a caller of the simulator: a process of its own that can do what an attacker would.
struct PythonProcess {
    /// The interpreter itself, behind links and start scripts, and where its library is.
    struct Interpreter: Sendable {
        var path: String
        var home: String
    }

    static let interpreter: Interpreter? = {
        let candidates = [ProjectFolders.python?.path, "/usr/bin/python3", "/usr/local/bin/python3"].compactMap(\.self)
        for candidate in candidates where FileManager.default.isExecutableFile(atPath: candidate) {
            let question = "import os, sys; print(os.path.realpath(sys.executable)); print(sys.base_prefix)"
            guard let answer = try? run(candidate, ["-c", question], [:]), answer.status == 0 else { continue }
            let lines = answer.output.split(separator: "\n").map(String.init)
            if lines.count == 2 { return Interpreter(path: lines[0], home: lines[1]) }
        }
        return nil
    }()

    static var isAvailable: Bool { interpreter != nil }

    /// What the script printed last, as JSON.
    ///
    /// - Parameters:
    ///   - script: Python; `caller` below stands before it, and `socket_path` is the simulator's socket.
    ///   - interpreter: another file to execute than the interpreter.
    static func call(
        _ script: String, socket: String, environment: [String: String] = [:], interpreter path: String? = nil
    ) async throws -> JSON {
        guard let interpreter else { throw Unavailable() }
        var variables = ["PYTHONHOME": interpreter.home, "PYTHONDONTWRITEBYTECODE": "1"]
        variables.merge(environment) { _, given in given }
        let program = caller + script
        let result: (status: Int32, output: String) = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "python").async { [variables] in
                continuation.resume(
                    with: Result {
                        try run(path ?? interpreter.path, ["-c", program, socket], variables)
                    })
            }
        }
        guard result.status == 0, let line = result.output.split(separator: "\n").last else {
            throw Failed(status: result.status, output: result.output)
        }
        return try JSON.parse(String(line))
    }

    struct Unavailable: Error {}
    struct Failed: Error {
        var status: Int32
        var output: String
    }

    static func run(
        _ executable: String, _ arguments: [String], _ environment: [String: String]
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let content = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: content, as: UTF8.self))
    }

    /// The honest client, in Python, and what attacks are made from.
    private static let caller = #"""
        import base64, ctypes, json, os, signal, socket, sys, time
        socket_path = sys.argv[1]
        party = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")
        other_party = base64.urlsafe_b64encode(bytes(range(1, 33))).decode().rstrip("=")
        greeting = json.dumps({"hello": 1, "party": party}).encode()
        report_data = base64.urlsafe_b64encode(bytes(range(64))).decode().rstrip("=")

        def connect():
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.settimeout(120)
            s.connect(socket_path)
            return s

        def send(s, value):
            s.send(value if isinstance(value, bytes) else json.dumps(value).encode())

        def receive(s):
            return json.loads(s.recv(65536) or b'{"closed": true}')

        def hello(s, whose=party):
            send(s, {"hello": 1, "party": whose})
            return receive(s)

        def request(nonce, tee="sgx", data=report_data):
            return {"nonce": nonce, "tee": tee, "reportData": data}

        def evidence(tee="sgx", whose=party):
            s = connect()
            answer = hello(s, whose)
            if "nonce" not in answer:
                return answer
            send(s, request(answer["nonce"], tee))
            return receive(s)

        def show(value):
            print(json.dumps(value), flush=True)

        def wait_for_program(pid, name):
            for _ in range(3000):
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == name:
                    return
                time.sleep(0.01)
            raise SystemExit("the program did not start")

        """# + "\n"
}
