/// Writes ONNX models in protobuf, byte by byte: small right ones and hostile ones.
enum ONNXBuilder {
    typealias Message = [UInt8]

    static func varint(_ value: UInt64) -> Message {
        var value = value
        var bytes: Message = []
        while value > 0x7F {
            bytes.append(UInt8(value & 0x7F) | 0x80)
            value >>= 7
        }
        return bytes + [UInt8(value)]
    }

    static func number(_ field: UInt64, _ value: UInt64) -> Message { varint(field << 3) + varint(value) }
    static func bytes(_ field: UInt64, _ content: Message) -> Message {
        varint(field << 3 | 2) + varint(UInt64(content.count)) + content
    }
    static func text(_ field: UInt64, _ content: String) -> Message { bytes(field, Array(content.utf8)) }

    /// A ValueInfoProto; a negative dimension is a free one.
    static func value(_ name: String, type: UInt64, _ shape: [Int]) -> Message {
        let dimensions = shape.flatMap { bytes(1, $0 < 0 ? text(2, "n") : number(1, UInt64($0))) }
        return text(1, name) + bytes(2, bytes(1, number(1, type) + bytes(2, dimensions)))
    }

    static func node(_ kind: String, _ inputs: [String], _ outputs: [String], _ attributes: Message = []) -> Message {
        inputs.flatMap { text(1, $0) } + outputs.flatMap { text(2, $0) } + text(4, kind) + attributes
    }

    /// A scalar int64 TensorProto.
    static func scalar(_ name: String, _ value: Int64) -> Message {
        var raw: Message = []
        raw.appendLE(value)
        return number(2, 7) + text(8, name) + bytes(9, raw)
    }

    static func graph(_ name: String, nodes: [Message], inputs: [Message], outputs: [Message], tensors: [Message] = [])
        -> Message
    {
        nodes.flatMap { bytes(1, $0) } + text(2, name) + tensors.flatMap { bytes(5, $0) }
            + inputs.flatMap { bytes(11, $0) } + outputs.flatMap { bytes(12, $0) }
    }

    static func model(_ graph: Message) -> Message {
        number(1, 8) + bytes(8, text(1, "") + number(2, 17)) + bytes(7, graph)
    }

    /// `out = in`, float32 of one free axis.
    static let identity = model(
        graph(
            "identity", nodes: [node("Identity", ["in"], ["out"])], inputs: [value("in", type: 1, [-1])],
            outputs: [value("out", type: 1, [-1])]))

    /// Adds its input to itself more often than anybody can wait for.
    static var endless: Message {
        let body = graph(
            "body", nodes: [node("Identity", ["go"], ["goOn"]), node("Add", ["value", "value"], ["next"])],
            inputs: [value("turn", type: 7, []), value("go", type: 9, []), value("value", type: 1, [-1])],
            outputs: [value("goOn", type: 9, []), value("next", type: 1, [-1])])
        // AttributeProto: name, type 5 (graph), the graph.
        let attribute = bytes(5, text(1, "body") + bytes(6, body) + number(20, 5))
        return model(
            graph(
                "endless", nodes: [node("Loop", ["turns", "", "in"], ["out"], attribute)],
                inputs: [value("in", type: 1, [-1])], outputs: [value("out", type: 1, [-1])],
                tensors: [scalar("turns", .max)]))
    }

    /// Its output has as many elements as its input says.
    static let bomb = model(
        graph(
            "bomb", nodes: [node("ConstantOfShape", ["in"], ["out"])], inputs: [value("in", type: 7, [-1])],
            outputs: [value("out", type: 1, [-1])]))

    /// A model with the brain model's names, whose label map is one pixel whatever comes in.
    static let onePixel = model(
        graph(
            "onePixel",
            nodes: [
                node("Constant", [], ["labels"], bytes(5, text(1, "value") + bytes(5, pixel) + number(20, 4)))
            ], inputs: [value("image", type: 1, [-1, 1, -1, -1])], outputs: [value("labels", type: 2, [1, 1, 1])]))

    /// TensorProto: dims 1 × 1 × 1, uint8, raw data.
    private static let pixel = number(1, 1) + number(1, 1) + number(1, 1) + number(2, 2) + bytes(9, [0])

    /// A tensor whose bytes lie in another file.
    static let externalTensor =
        number(1, 4) + number(2, 1) + text(8, "w") + bytes(13, text(1, "location") + text(2, "../../secret"))
        + number(14, 1)
}

extension Array where Element == UInt8 {
    fileprivate mutating func appendLE(_ value: Int64) {
        for shift in stride(from: 0, to: 64, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}
