import Encoding
import GRPCCore

/// Server reflection, in its present form and in the one before, which older tools ask for.
///
/// - Source: `grpc/reflection/v1/reflection.proto`.
struct ReflectionService: RegistrableRPCService {
    private static let names = [
        "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
    ]

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for name in Self.names {
            router.registerHandler(
                forMethod: MethodDescriptor(
                    fullyQualifiedService: name, method: "ServerReflectionInfo", type: .bidirectionalStreaming),
                deserializer: RawMessages(), serializer: RawMessages()
            ) { request, _ in
                StreamingServerResponse { writer in
                    for try await message in request.messages { try await writer.write(Self.answer(message)) }
                    return [:]
                }
            }
        }
    }

    /// ServerReflectionResponse for a ServerReflectionRequest.
    static func answer(_ message: [UInt8]) throws(RPCError) -> [UInt8] {
        let request: ProtobufFields
        let symbol: String
        let file: String
        do throws(Refusal) {
            request = try ProtobufFields(message)
            file = try request.text(3)
            symbol = try request.text(4)
        } catch {
            throw RPCError(code: .invalidArgument, message: error.detail)
        }
        var reply = ProtobufMessage()
        reply.add(1, request.bytes(1))
        reply.add(2, message)
        if request.has(7) {
            var list = ProtobufMessage()
            for name in [FileDescription.service] + names {
                var service = ProtobufMessage()
                service.add(1, name)
                list.add(1, service)
            }
            reply.add(6, list)
        } else if file == FileDescription.file || FileDescription.symbols.contains(symbol) {
            var files = ProtobufMessage()
            files.add(1, FileDescription.bytes)
            reply.add(4, files)
        } else {
            var error = ProtobufMessage()
            error.add(1, number: UInt64(RPCError.Code.notFound.rawValue))
            error.add(2, "there is no such file or symbol")
            reply.add(7, error)
        }
        return reply.bytes
    }
}
