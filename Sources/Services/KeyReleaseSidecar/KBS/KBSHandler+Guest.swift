import Attester
import CryptoExtras
import Encoding
import HTTPTypes
import ServiceKit

// The guest's REST interface, for programs that know no protocol: what they get, they get in the clear, as from
// `/key/release`.
extension KBSHandler {
    /// A resource as it is.
    func resource(_ path: [String]) async throws(Refusal) -> ServerResponse {
        let content = try await shelf.resource(path)
        return ServerResponse(
            status: 200, headers: [.contentType: "application/octet-stream"], body: content.withBytes { $0 })
    }

    func guestAnswer(_ request: ServerRequest, _ name: String) async throws(Refusal) -> ServerResponse {
        switch (request.method, name) {
        case (.get, "evidence"):
            let report = try await attester.report(reportData: try Self.reportData(request))
            return .json(GroupEvidence.json(report))
        case (.get, "additional-evidence"): return .json([:])
        case (.get, "token"): return try await token(request.queryValue("token_type") ?? "kbs")
        case (.post, "aael"):
            throw Refusal(
                RefusalCode("not-implemented", status: 501), "SEV-SNP has no register for events at run time")
        default: throw Refusal(.notFound, "there is no such path")
        }
    }

    /// The bytes that the caller wants in the report, zeros after them.
    private static func reportData(_ request: ServerRequest) throws(Refusal) -> [UInt8] {
        let text = request.queryValue("runtime_data") ?? ""
        let bytes: [UInt8]
        switch request.queryValue("encoding") ?? "" {
        case "": bytes = Array(text.utf8)
        case "base64":
            guard let decoded = Base64.decode(text, .lenient) else {
                throw Refusal(.requestMalformed, "runtime_data is not base64")
            }
            bytes = decoded
        default: throw Refusal(.requestMalformed, "encoding is not base64")
        }
        guard bytes.count <= reportDataLength else {
            throw Refusal(.requestMalformed, "runtime_data is longer than \(reportDataLength) bytes")
        }
        return bytes + [UInt8](repeating: 0, count: reportDataLength - bytes.count)
    }

    /// A token of the attestation service over a new key pair, and that pair's private key.
    private func token(_ type: String) async throws(Refusal) -> ServerResponse {
        guard type == "kbs" else { throw Refusal(.requestMalformed, "token_type is not kbs") }
        let pair = try await ReleaseWrappingKey.make()
        let token = try await attester.token(over: pair.runtimeData, from: shelf.attestationService)
        return .json(["token": .string(token), "tee_keypair": .string(unsafe pair.key.pemRepresentation)])
    }
}
