/// The protocol's own description, for clients that ask a server what it offers.
///
/// - Source: `google/protobuf/descriptor.proto`: FileDescriptorProto; sidecars page section 7.
enum FileDescription {
    static let file = "keyprovider.proto"
    static let package = "key_provider"
    static let service = "key_provider.KeyProviderService"

    private struct Message {
        var name: String
        /// Names of fields, which have the numbers from 1 on.
        var fields: [String]
        var isBytes = false
    }

    private static let messages = [
        Message(
            name: "keyProviderKeyWrapProtocolInput", fields: ["key_provider_key_wrap_protocol_input"], isBytes: true),
        Message(
            name: "keyProviderKeyWrapProtocolOutput", fields: ["key_provider_key_wrap_protocol_output"], isBytes: true),
        Message(name: "keyProviderGetReportInput", fields: ["report_data_hex_string"]),
        Message(name: "keyProviderGetReportOutput", fields: ["report_hex_string"]),
        Message(name: "getAttestationDataInput", fields: ["b64_runtime_data_string"]),
        Message(
            name: "getAttestationDataOutput",
            fields: ["endorsed_tcb", "certs", "attestation_report", "uvm_reference_info"]),
        Message(name: "HelloRequest", fields: ["name"]),
        Message(name: "HelloReply", fields: ["message"]),
    ]

    /// Which messages each call has, by their place above.
    private static func messages(of call: KeyProviderService.Call) -> (input: Int, output: Int) {
        switch call {
        case .wrap, .unwrap: (0, 1)
        case .report: (2, 3)
        case .data: (4, 5)
        case .hello: (6, 7)
        }
    }

    /// The full names that a client may ask for.
    static let symbols: Set<String> = {
        let calls = KeyProviderService.Call.allCases.map { "\(service).\($0.rawValue)" }
        return Set([service] + calls + messages.map { "\(package).\($0.name)" })
    }()

    /// FileDescriptorProto, serialised.
    static let bytes: [UInt8] = {
        var result = ProtobufMessage()
        result.add(1, file)
        result.add(2, package)
        for message in messages { result.add(4, descriptor(message)) }
        var offered = ProtobufMessage()
        offered.add(1, "KeyProviderService")
        for call in KeyProviderService.Call.allCases {
            let names = messages(of: call)
            var method = ProtobufMessage()
            method.add(1, call.rawValue)
            method.add(2, ".\(package).\(messages[names.input].name)")
            method.add(3, ".\(package).\(messages[names.output].name)")
            offered.add(2, method)
        }
        result.add(6, offered)
        result.add(12, "proto3")
        return result.bytes
    }()

    private static func descriptor(_ message: Message) -> ProtobufMessage {
        var result = ProtobufMessage()
        result.add(1, message.name)
        for (index, name) in message.fields.enumerated() {
            var field = ProtobufMessage()
            field.add(1, name)
            field.add(3, number: UInt64(index + 1))
            // LABEL_OPTIONAL; TYPE_BYTES or TYPE_STRING.
            field.add(4, number: 1)
            field.add(5, number: message.isBytes ? 12 : 9)
            result.add(2, field)
        }
        return result
    }
}
