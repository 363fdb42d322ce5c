import CryptoExtras
import Encoding
import Foundation
import GRPCCore
import KeyRelease
import ServiceKit
import SwiftASN1
import TestSupport
import Testing

@testable import KeyReleaseSidecar

/// The gRPC form, driven by an independent client.
struct GRPCTests {
    @Test(.enabled(if: ProjectFolders.python != nil, "make test sets up Python's grpcio"))
    func `grpcio learns the messages by reflection, and every call answers as documented`() async throws {
        let python = try #require(ProjectFolders.python)
        try await World.run { world in
            let key = try _RSA.Signing.PrivateKey(keySize: .bits3072)
            #expect(try await world.importKey("image-key", try jwk(key), policy: world.releasePolicy()) == 200)
            try world.folder.write("image-key.pem", key.publicKey.pemRepresentation)
            let info: JSON = [
                "public_key_path": .string(world.folder.file("image-key.pem").path),
                "kms_endpoint": .string("localhost:\(world.vault)"),
                "attester_endpoint": .string("localhost:\(world.attestation)"),
            ]
            try world.folder.write("image-key-info.json", info.text)
            let (ports, found) = AsyncStream.makeStream(of: Int.self)
            let face = world.process.grpc(port: 0) { found.yield($0) }
            let serving = Task { try await face.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let script = ProjectFolders.root.appending(path: "Tests/ConformanceClients/key_provider.py")
            let run = try await ProgramRun.run(
                python, [script.path, "\(port)", world.folder.file("image-key").path])
            serving.cancel()
            _ = try? await serving.value
            #expect(run.status == 0, "\(run.errors)")
            #expect(String(decoding: run.output, as: UTF8.self) == "done\n")
        }
    }

    private func jwk(_ key: _RSA.Signing.PrivateKey) throws -> JSON {
        let names = ["", "n", "e", "d", "p", "q", "dp", "dq", "qi"]
        return try DER.sequence(try DER.parse(Array(key.derRepresentation)), identifier: .sequence) { nodes in
            var members: [String: JSON] = ["kty": "RSA-HSM"]
            for name in names {
                let number = try ArraySlice<UInt8>(derEncoded: &nodes)
                if !name.isEmpty { members[name] = .string(Base64.encodeURL(number.drop { $0 == 0 })) }
            }
            return .object(members)
        }
    }

    @Test("AC-158 AC-159 malformed messages are refused, and no length is believed")
    func malformed() throws {
        for bytes: [UInt8] in [
            [0x0a], [0x0a, 5, 1], [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], [0x0b],
            [UInt8](repeating: 0xff, count: 11), [9, 1], [0x0d, 1],
        ] {
            #expect(throws: Refusal.self) { try ProtobufFields(bytes) }
        }
        let read = try ProtobufFields([8, 1, 0x0a, 1, 65, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0x15, 0, 0, 0, 0, 0x0a, 1, 66])
        #expect(try read.text(1) == "B")
        #expect(try read.text(2) == "")
        #expect(throws: Refusal.self) { try ProtobufFields([0x0a, 1, 0xff]).text(1) }
    }

    @Test func `without a device a report is a failed precondition`() async throws {
        let web = FakeWeb()
        let attester = GroupAttester(
            source: NoDevice(), context: SecurityContext(),
            store: CertificateStore(
                nil, endpoint: .localTHIM("t"), fetcher: RetryingFetcher(web: web, pause: NoPause())),
            attestation: .init(client: web))
        let service = KeyProviderService(
            attester: attester,
            releaser: KeyReleaser(
                attester: attester, client: .init(client: web),
                credential: VaultCredential(web: web, environment: [:], clientID: nil, pause: NoPause()), roots: [],
                log: quiet),
            images: ImageKeyProvider())
        for call in [KeyProviderService.Call.report, .data] {
            let error = await #expect(throws: RPCError.self) { try await service.answer(call, []) }
            #expect(error?.code == .failedPrecondition)
        }
    }
}
