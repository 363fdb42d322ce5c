import Encoding
import Foundation
import HTTPTypes
import ServiceKit
import TestSupport
import Testing

@testable import KeyService

/// `cloister master-key` and `cloister security-domain`, as somebody uses them, against running services.
@Suite struct KeyAdministrationCommandTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func path(_ name: String) -> String { folder.url.appending(path: name).path }

    private func write(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        return path(name)
    }

    private func run(_ arguments: String...) async throws -> (status: Int32, json: JSON) {
        let cloister = ProjectFolders.executables.appending(path: "cloister")
        let run = try await ProgramRun.run(cloister, arguments + ["--json"])
        return (run.status, (try? JSON.parse(run.output)) ?? .null)
    }

    /// The parts of an installation's state folder that say where its key service is.
    private func state(_ name: String, of place: KeyServicePlace, _ service: KeyServiceProcess) throws -> String {
        let state = path(name)
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: place.setup.path("ca.pem"), toPath: state + "/ca.pem")
        _ = try write("\(name)/installation.json", "{}")
        _ = try write("\(name)/admin-token", Shared.administratorToken + "\n")
        _ = try write("\(name)/endpoints.json", #"{"keys":{"url":"\#(service.url)"}}"#)
        return state
    }

    @Test func `the master key is shown and rotated`() async throws {
        let place = try KeyServicePlace()
        let service = try await place.start()
        let state = try state("s", of: place, service)
        #expect(try await service.send(.post, "/keys/k/create", ["kty": "oct-HSM"]).status == 200)
        let first = try await run("master-key", "show", "--state", state)
        #expect(first.status == 0 && first.json == ["generations": [1], "isResealing": false], "\(first.json)")
        let rotated = try await run("master-key", "rotate", "--state", state)
        #expect(rotated.status == 0 && rotated.json["generations"]?.array?.last == 2, "\(rotated.json)")
        #expect(try await service.send(.get, "/keys/k", nil).status == 200)
        #expect(try place.events().contains { $0["event"] == "master-key.rotate" })
        // Wrong usage, and a service that is not there.
        #expect(try await run("master-key", "show", "--state", state, "--instance", "none").status == 2)
        #expect(try await run("master-key", "show", "--state", path("none")).status == 2)
        #expect(try await run("master-key", "show", "--url", service.url).status == 2)
        await service.kill()
        let gone = try await run("master-key", "show", "--state", state)
        #expect(gone.status == 1 && gone.json["error"]?["detail"] != nil)
        await place.client.shutdown()
    }

    @Test("AC-076 shares are exported to configured holders, opened by each, and imported where backups are restored")
    func securityDomain() async throws {
        let holders = try (0..<3).map { _ in try Holder() }
        var certificates: [String] = []
        var keys: [String] = []
        for (number, holder) in holders.enumerated() {
            certificates.append(
                try write("\(number).pem", PEM.encode(holder.certificate, label: "CERTIFICATE")))
            keys.append(try write("\(number).key", holder.pem))
        }
        let named = try await run("security-domain", "holder", certificates[0], certificates[1], certificates[2])
        let pins = named.json["holders"]?.array?.compactMap { $0["pin"]?.string } ?? []
        #expect(try pins == holders.map { try DomainShare.holder($0.certificate).pin.description })
        let first = try KeyServicePlace()
        let text = try String(contentsOfFile: first.setup.path("key-service.yaml"), encoding: .utf8)
        try first.setup.write(
            "key-service.yaml", text + "\ndomainHolders: [\(pins.prefix(2).joined(separator: ", "))]\n")
        let service = try await first.start()
        let state = try state("first", of: first, service)
        #expect(try await service.send(.post, "/keys/k/create", ["kty": "oct-HSM"]).status == 200)
        let backup = try await service.send(.post, "/keys/k/backup", nil).json

        let out = path("shares")
        let foreign = try await run(
            "security-domain", "export", certificates[0], certificates[2], "--required", "2", "--out", out, "--state",
            state)
        #expect(foreign.status == 1 && foreign.json["error"]?["code"] == "scope-insufficient")
        let arguments = ["security-domain", "export", certificates[0], certificates[1], "--required", "2"]
        let exported = try await run(
            arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5], "--out", out, "--state",
            state)
        #expect(exported.status == 0 && exported.json["shares"]?.array?.count == 2, "\(exported.json)")
        let again = try await run(
            arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5], "--out", out, "--state",
            state)
        #expect(again.status == 2, "shares of two exports do not mix")
        let other = try await run(
            "security-domain", "open", out + "/share-1.jwe", "--key", keys[1], "--out", path("none"))
        #expect(other.status == 1 && other.json["error"]?["code"] == "key-invalid")
        for number in 0..<2 {
            let opened = try await run(
                "security-domain", "open", "\(out)/share-\(number + 1).jwe", "--key", keys[number], "--out",
                path("\(number).json"))
            #expect(opened.status == 0 && opened.json["domain"] == exported.json["domain"], "\(opened.json)")
        }
        await service.kill()
        await first.client.shutdown()

        let second = try KeyServicePlace()
        let new = try await second.start()
        let place = try self.state("second", of: second, new)
        #expect(try await new.send(.post, "/keys/restore", backup).status == 400)
        let sealed = try await run("security-domain", "import", out + "/share-1.jwe", "--state", place)
        #expect(sealed.status == 2, "a share that is not opened")
        #expect(try await run("security-domain", "import", path("0.json"), "--state", place).status == 1)
        // As a service that belongs to no installation.
        let imported = try await run(
            "security-domain", "import", path("0.json"), path("1.json"), "--url", new.url + "/", "--ca",
            place + "/ca.pem",
            "--token", place + "/admin-token")
        #expect(imported.status == 0 && imported.json["domain"] == exported.json["domain"], "\(imported.json)")
        #expect(try await new.send(.post, "/keys/restore", backup).status == 200)
        await new.kill()
        await second.client.shutdown()
    }
}
