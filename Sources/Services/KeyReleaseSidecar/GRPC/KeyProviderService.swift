import Encoding
import GRPCCore

/// The service `key_provider.KeyProviderService` (sidecars page section 7).
struct KeyProviderService: RegistrableRPCService {
    private let attester: GroupAttester
    private let releaser: KeyReleaser
    private let images: ImageKeyProvider

    init(attester: GroupAttester, releaser: KeyReleaser, images: ImageKeyProvider) {
        self.attester = attester
        self.releaser = releaser
        self.images = images
    }

    /// Names in the protocol's file; replies have the same order of fields as the reference.
    enum Call: String, CaseIterable {
        case wrap = "WrapKey"
        case unwrap = "UnWrapKey"
        case report = "GetReport"
        case data = "GetAttestationData"
        case hello = "SayHello"
    }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for call in Call.allCases {
            router.registerHandler(
                forMethod: MethodDescriptor(
                    fullyQualifiedService: FileDescription.service, method: call.rawValue, type: .unary),
                deserializer: RawMessages(), serializer: RawMessages()
            ) { request, _ in
                let input = try await ServerRequest(stream: request).message
                let output = try await self.answer(call, input)
                return StreamingServerResponse(single: ServerResponse(message: output))
            }
        }
    }

    /// The reply's bytes for the request's.
    ///
    /// - Throws: `InvalidArgument` for what the caller can mend, `FailedPrecondition` for everything else.
    func answer(_ call: Call, _ input: [UInt8]) async throws(RPCError) -> [UInt8] {
        do throws(Refusal) {
            let request = try ProtobufFields(input)
            var reply = ProtobufMessage()
            switch call {
            case .wrap: reply.add(1, try images.wrap(request.bytes(1)).canonical)
            case .unwrap: reply.add(1, try await images.unwrap(request.bytes(1), by: releaser).canonical)
            case .report:
                // The text as given is hashed, not the bytes that it stands for.
                let text = try request.text(1)
                reply.add(1, Hex.encode(try await attester.report(over: Array(text.utf8))))
            case .data: reply = try await attestationData(try request.text(1))
            case .hello: reply.add(1, "Hello " + (try request.text(1)))
            }
            return reply.bytes
        } catch {
            throw Self.error(error)
        }
    }

    private func attestationData(_ text: String) async throws(Refusal) -> ProtobufMessage {
        guard let data = Base64.decode(text, .padded) else {
            throw Refusal(.requestMalformed, "b64_runtime_data_string is not padded base64")
        }
        let endorsed = try await attester.endorsed(over: data)
        var reply = ProtobufMessage()
        reply.add(1, endorsed.certificates.tcbText)
        reply.add(2, Base64.encodeStandard(endorsed.certificates.pem.utf8))
        reply.add(3, Base64.encodeStandard(endorsed.report))
        reply.add(4, attester.context.endorsementText)
        return reply
    }

    private static func error(_ refusal: Refusal) -> RPCError {
        let isMalformed = [RefusalCode.requestMalformed, .nameInvalid, .keyInvalid].contains(refusal.code)
        return RPCError(
            code: isMalformed ? .invalidArgument : .failedPrecondition,
            message: "\(refusal.detail): \(SidecarError.advice)")
    }
}

/// Messages as bytes: what they mean is read by whoever knows the call.
struct RawMessages: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
}
