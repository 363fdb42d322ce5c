import Attester
import Encoding
import Evidence
import Foundation
import HTTPTypes
import KeyRelease
import ServiceKit
import Synchronization
import Telemetry
import TestSupport

@testable import KeyReleaseSidecar

/// Other services, in memory.
final class FakeWeb: WebClient {
    struct Sent: Sendable {
        var method: HTTPRequest.Method
        var url: String
        var headers: HTTPFields
        var body: [UInt8]
    }

    private let answer: @Sendable (Sent) -> Client.Response?
    private let requests = Mutex<[Sent]>([])

    /// - Parameter answer: nil stands for nobody.
    init(_ answer: @escaping @Sendable (Sent) -> Client.Response? = { _ in nil }) {
        self.answer = answer
    }

    var sent: [Sent] { requests.withLock { $0 } }

    func send(
        _ method: HTTPRequest.Method, _ url: String, headers: HTTPFields, body: [UInt8]?, maximumBytes: Int,
        timeout: Duration
    ) async throws(Refusal) -> Client.Response {
        let request = Sent(method: method, url: url, headers: headers, body: body ?? [])
        requests.withLock { $0.append(request) }
        guard let response = answer(request) else { throw Refusal(.unavailable, "nobody answers") }
        guard response.body.count <= maximumBytes else { throw Refusal(.tooLarge, "too long") }
        return response
    }

    static func json(_ json: JSON) -> Client.Response {
        Client.Response(status: 200, headers: [:], body: json.canonical)
    }
    static func bytes(_ bytes: [UInt8]) -> Client.Response { Client.Response(status: 200, headers: [:], body: bytes) }
    static func status(_ status: Int) -> Client.Response { Client.Response(status: status, headers: [:], body: []) }
}

/// A log that nobody reads.
let quiet = Log(service: "key-release-sidecar") { _ in }

/// Lets no time pass.
struct NoPause: Pause {
    func wait(_ duration: Duration) async {}
}

/// Notes how long it should have waited.
final class NotedPause: Pause {
    private let held = Mutex<[Duration]>([])
    var waits: [Duration] { held.withLock { $0 } }
    func wait(_ duration: Duration) async { held.withLock { $0.append(duration) } }
}

/// A machine without a TEE.
struct NoDevice: EvidenceSource {
    var tee: TEE { .snp }
    func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        throw Refusal(.notReady, "no device")
    }
}

/// The recorded container group of the vectors, whose report carries whatever report data is asked for.
struct RecordedGroup: EvidenceSource {
    let report: [UInt8]
    /// Of the documented attestation request.
    let runtimeData: [UInt8]
    let reportData: String
    let endorsement: String
    let pem: String
    let certificates: String
    /// REPORTED_TCB in place of the recorded one, once for each report; then the recorded one.
    let otherTCBs: Queue

    var tee: TEE { .snp }

    init(otherTCBs: [UInt64] = []) throws {
        report = try Vectors.bytes("skr/collateral/snp_report.bin")
        let request = try JSON.parse(try Vectors.bytes("skr/maa-request.json"))
        runtimeData = Array((request["runtime_data_utf8"]?.string ?? "").utf8)
        reportData = request["report_data_hex"]?.string ?? ""
        endorsement = Base64.encodeStandard(try Vectors.bytes("skr/collateral/body.uvm_reference_info.bin"))
        pem = String(decoding: try Vectors.bytes("skr/collateral/uvm_host_amd_certificate.pem"), as: UTF8.self)
        certificates = Base64.encodeStandard(try Vectors.bytes("skr/collateral/uvm_host_amd_certificate.json"))
        self.otherTCBs = Queue(otherTCBs)
    }

    var documentedRequest: JSON {
        get throws {
            let request = try JSON.parse(try Vectors.bytes("skr/maa-request.json"))
            return try JSON.parse(request["maa_request_body"]?.string ?? "")
        }
    }

    func context() throws -> SecurityContext {
        SecurityContext(
            policyText: String(
                decoding: try Vectors.bytes("skr/collateral/uvm_security_policy.base64"), as: UTF8.self),
            certificatesText: certificates, endorsementText: endorsement)
    }

    func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        var bytes = report
        bytes.replaceSubrange(SNPReport.Layout.reportData..<SNPReport.Layout.reportData + 64, with: reportData)
        if let tcb = otherTCBs.next() {
            var field: [UInt8] = []
            field.appendLittleEndian(tcb)
            bytes.replaceSubrange(SNPReport.Layout.reportedTCB..<SNPReport.Layout.reportedTCB + 8, with: field)
        }
        return AttesterEvidence(tee: .snp, evidence: bytes)
    }
}

/// Numbers that are handed out one after the other.
final class Queue: Sendable {
    private let held: Mutex<[UInt64]>
    init(_ values: [UInt64]) { held = Mutex(values) }
    func next() -> UInt64? { held.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
}
