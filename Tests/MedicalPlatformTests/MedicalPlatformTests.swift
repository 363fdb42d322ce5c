import Channel
import Encoding
import Foundation
import Imaging
import TestSupport
import Testing

@testable import MedicalPlatform

@Suite struct DiagnosisInputTests {
    private let all = [Set(DiagnosisInput.fields)]

    /// A sample with another name written over its own; both are of even length.
    private func canaryFile(_ name: String) throws -> [UInt8] {
        let bytes = [UInt8](try Data(contentsOf: ProjectFolders.samples.appending(path: "brain-head-256.dcm")))
        // (0010,0010) PN, explicit VR: tag, VR, length, value.
        let tag: [UInt8] = [0x10, 0x00, 0x10, 0x00, 0x50, 0x4e]
        let start = try #require(bytes.indices.first { bytes[$0...].starts(with: tag) })
        let length = Int(bytes[start + 6]) | Int(bytes[start + 7]) << 8
        var value = Array(name.utf8)
        if !value.count.isMultiple(of: 2) { value.append(0x20) }
        var length16: [UInt8] = []
        length16.appendLittleEndian(UInt16(value.count))
        return Array(bytes[..<(start + 6)]) + length16 + value + Array(bytes[(start + 8 + length)...])
    }

    @Test func `AC-054 AC-055 no byte that the diagnostics unit receives names the patient`() throws {
        let canary = "Kanarienvogel^Erika"
        let file = try canaryFile(canary)
        #expect(Data(file).range(of: Data(canary.utf8)) != nil, "the canary lives")
        let input = try DiagnosisInput(try DICOMFile(parsing: file))
        let request = try input.request(model: ("brain-delineation", "1"), released: all)
        let message = Data(try request.encoded(padded: true))
        #expect(message.range(of: Data(canary.utf8)) == nil)
        #expect(message.range(of: Data("Kanarienvogel".utf8)) == nil)
        // Nothing but pixels and geometry: the JSON part has exactly the released members.
        let length = try #require(request.fields["inference-header-content-length"].flatMap { Int($0) })
        let header = try JSON.parse(request.content[..<length])
        #expect(Set(header.object?.keys.map { $0 } ?? []) == ["inputs", "outputs", "parameters"])
        #expect(
            Set(header["parameters"]?.object?.keys.map { $0 } ?? []) == [
                "rows", "columns", "pixelSpacing", "sliceThickness",
            ])
        #expect(request.content.count == length + 256 * 256 * 4)
    }

    @Test(arguments: DiagnosisInput.fields)
    func `AC-054 a field that a policy does not release stays in the unit`(field: String) throws {
        let file = [UInt8](try Data(contentsOf: ProjectFolders.samples.appending(path: "brain-head-256.dcm")))
        let input = try DiagnosisInput(try DICOMFile(parsing: file))
        let refusal = #expect(throws: Refusal.self) {
            try input.request(model: ("m", "1"), released: all + [Set(DiagnosisInput.fields).subtracting([field])])
        }
        #expect(refusal?.name == "field-not-released:\(field)")
    }
}

@Suite struct SessionTests {
    private let hospital = Digest(of: "hospital")
    private let start = Timestamp(seconds: 1_000_000)

    @Test func `a session belongs to one tenant and ends`() throws {
        let sessions = Sessions()
        let begun = try sessions.begin(tenant: hospital, user: "a", at: start)
        #expect(try sessions.session(begun.token, tenant: hospital, at: start + 10).user == "a")
        #expect(throws: Refusal.self) { try sessions.session(begun.token, tenant: Digest(of: "other"), at: start + 10) }
        #expect(throws: Refusal.self) { try sessions.session(begun.token + "x", tenant: hospital, at: start + 10) }
        sessions.end(begun.token)
        #expect(throws: Refusal.self) { try sessions.session(begun.token, tenant: hospital, at: start + 10) }
    }

    @Test func `an unused session ends after half an hour, a used one after eight`() throws {
        let sessions = Sessions()
        let idle = try sessions.begin(tenant: hospital, user: "a", at: start)
        #expect(throws: Refusal.self) {
            try sessions.session(idle.token, tenant: hospital, at: start + Sessions.idleLifetime)
        }
        let used = try sessions.begin(tenant: hospital, user: "a", at: start)
        for time in stride(from: Int64(0), to: Sessions.lifetime, by: 1_000) {
            _ = try sessions.session(used.token, tenant: hospital, at: start + time)
        }
        #expect(throws: Refusal.self) {
            try sessions.session(used.token, tenant: hospital, at: start + Sessions.lifetime)
        }
    }
}

@Suite struct PasswordTests {
    @Test func `a password matches its own hash and no other`() async throws {
        let passwords = Passwords()
        let stored = try await passwords.hash("correct horse battery")
        #expect(!stored.contains("correct"))
        #expect(try await passwords.matches("correct horse battery", stored))
        #expect(try await !passwords.matches("correct horse batterz", stored))
        #expect(try await !passwords.matches("correct horse battery", nil))
        #expect(try await passwords.hash("correct horse battery") != stored, "a fresh salt each time")
        await #expect(throws: Refusal.self) { try await passwords.hash("short") }
    }

    @Test func `AC-146 guessing is slowed down for each user`() throws {
        let limit = SignInLimit()
        let tenant = Digest(of: "hospital")
        for _ in 0..<5 { try limit.admit(tenant: tenant, user: "a") }
        let refusal = #expect(throws: Refusal.self) { try limit.admit(tenant: tenant, user: "a") }
        #expect(refusal?.code == .tooMany)
        for _ in 0..<20 {
            try limit.admit(tenant: tenant, user: "b")
            limit.succeeded(tenant: tenant, user: "b")
        }
    }
}
