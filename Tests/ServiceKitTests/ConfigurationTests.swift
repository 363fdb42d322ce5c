import Foundation
import ServiceKit
import TestSupport
import Testing

@Suite struct ConfigurationTests {
    private func configuration(
        _ yaml: String, environment: [String: String] = [:], flags: [String: String] = [:]
    ) throws -> (Configuration, TemporaryFolder) {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "service.yaml")
        try Data(yaml.utf8).write(to: file)
        return (try Configuration(file: file.path, environment: environment, flags: flags), folder)
    }

    @Test func `flags win over the environment, which wins over the file`() throws {
        let yaml = "listen:\n  port: 1\n  host: a\nname: file\n"
        var (values, _) = try configuration(
            yaml, environment: ["CLOISTER_LISTEN_PORT": "2", "CLOISTER_NAME": "environment"], flags: ["name": "flag"])
        #expect(try values.integer("listen.port") == 2)
        #expect(try values.string("listen.host") == "a")
        #expect(try values.string("name") == "flag")
        try values.finish()
    }

    @Test func `a member that only the environment sets is found`() throws {
        var (values, _) = try configuration("a: 1\n", environment: ["CLOISTER_INSECURE_SIMULATED_ROOT": "x"])
        #expect(try values.string("insecureSimulatedRoot") == "x")
    }

    @Test func `unknown keys are errors that name them`() throws {
        var (values, _) = try configuration("listen:\n  port: 1\n  prot: 2\nextra: 3\n")
        _ = try values.integer("listen.port")
        let error = #expect(throws: ConfigurationError.self) { try values.finish() }
        #expect(error?.description == "unknown keys extra, listen.prot")
    }

    @Test(
        "wrong values are refused", arguments: ["port: many\n", "other: 1\n", "port: [1, 2]\n", "- a\n", "a: b: c\n"])
    func wrong(yaml: String) throws {
        #expect(throws: ConfigurationError.self) {
            var (values, folder) = try configuration(yaml)
            _ = folder
            _ = try values.integer("port")
        }
    }

    @Test func `paths are relative to the file, lists keep their members`() throws {
        var (values, folder) = try configuration(
            "key: keys/a.pem\norigins: [https://a, https://b]\nmodels:\n  - {name: m, version: 1}\n")
        #expect(try values.path("key") == folder.url.path + "/keys/a.pem")
        #expect(try values.strings("origins") == ["https://a", "https://b"])
        #expect(try values.items("models") == [["name": "m", "version": "1"]])
    }
}

@Suite struct AtomicFileTests {
    @Test func `a file is replaced as a whole and keeps its mode`() throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "secret").path
        try AtomicFile.write([1, 2, 3], to: path, mode: 0o600)
        try AtomicFile.write([4], to: path, mode: 0o600)
        #expect(try AtomicFile.read(path, maximumBytes: 10) == [4])
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(throws: AtomicFile.Failure.self) { try AtomicFile.read(path, maximumBytes: 0) }
        #expect(throws: AtomicFile.Failure.self) { try AtomicFile.read(folder.url.path, maximumBytes: 10) }
    }
}
