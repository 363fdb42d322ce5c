import Encoding

/// Refuses models whose weights lie outside the model's own bytes.
///
/// Only what lies inside is covered by the digest, so an `external_data` entry or location anywhere, in subgraphs and
/// functions too, is refused before ONNX Runtime sees the bytes. A small walk over the protobuf wire format: fields
/// that cannot hold a tensor are skipped by length.
///
/// - Source: onnx.proto3 (ONNX IR version 4 and later); protobuf wire format; threat model AC-126.
struct ONNXModelCheck {
    /// Graphs inside graphs beyond this are refused.
    static let maximumDepth = 32

    /// - Throws: `model-invalid`.
    static func requireSelfContained(_ model: [UInt8]) throws(Refusal) {
        guard !model.isEmpty else { throw Refusal(.modelInvalid, "the model is empty") }
        let hasGraph = try ONNXModelCheck().walk(model[...], .model, depth: 0)
        guard hasGraph else { throw Refusal(.modelInvalid, "the model has no graph") }
    }

    /// Messages on the way to a tensor.
    private enum Message {
        case model, training, function, graph, node, attribute, sparse, tensor

        /// The message in a length-delimited field, if it can lead to a tensor.
        func inside(_ field: UInt64) -> Message? {
            switch (self, field) {
            case (.model, 7): .graph
            case (.model, 20): .training
            case (.model, 25): .function
            case (.training, 1), (.training, 2): .graph
            case (.function, 7), (.graph, 1): .node
            case (.function, 11), (.node, 5): .attribute
            case (.graph, 5): .tensor
            case (.graph, 15): .sparse
            case (.attribute, 5), (.attribute, 10): .tensor
            case (.attribute, 6), (.attribute, 11): .graph
            case (.attribute, 22), (.attribute, 23): .sparse
            case (.sparse, 1), (.sparse, 2): .tensor
            default: nil
            }
        }
    }

    /// Returns whether a message of another kind was found inside.
    @discardableResult private func walk(
        _ bytes: ArraySlice<UInt8>, _ message: Message, depth: Int
    ) throws(Refusal) -> Bool {
        guard depth <= ONNXModelCheck.maximumDepth * 3 else {
            throw Refusal(.modelInvalid, "the model's graphs are nested too deeply")
        }
        var reader = ByteReader(bytes, refusing: .modelInvalid)
        var foundMessage = false
        while !reader.isAtEnd {
            let key = try varint(&reader)
            let field = key >> 3
            guard field != 0 else { throw Refusal(.modelInvalid, "the model is not an ONNX file") }
            switch key & 7 {
            case 0:
                let value = try varint(&reader)
                if message == .tensor, field == 14, value != 0 { throw ONNXModelCheck.external }
            case 1: _ = try reader.take(8, "a fixed 64-bit field")
            case 2:
                let length = try varint(&reader)
                guard length <= UInt64(reader.remaining) else {
                    throw Refusal(.modelInvalid, "the model is truncated")
                }
                let content = try reader.take(Int(length), "a field")
                if message == .tensor, field == 13 { throw ONNXModelCheck.external }
                if let inner = message.inside(field) {
                    foundMessage = true
                    try walk(content, inner, depth: depth + 1)
                }
            case 5: _ = try reader.take(4, "a fixed 32-bit field")
            default: throw Refusal(.modelInvalid, "the model is not an ONNX file")
            }
        }
        return foundMessage
    }

    private static let external = Refusal(.modelInvalid, "the model keeps weights outside its own file")

    private func varint(_ reader: inout ByteReader) throws(Refusal) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try reader.uint8("a number")
            // The tenth byte holds one bit; a longer number is malformed.
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw Refusal(.modelInvalid, "the model is not an ONNX file")
    }
}
