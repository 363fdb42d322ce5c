public import Encoding

/// An infer request or response with the binary tensor extension: a JSON object, then the tensors' bytes in its order.
///
/// - Source: Open Inference Protocol v2 REST, and its binary tensor data extension.
public struct InferenceMessage: Sendable, Hashable {
    /// The field that says how long the JSON part is.
    public static let headerLengthField = "inference-header-content-length"
    /// Longest JSON part that is read, in bytes.
    public static let maximumHeaderBytes = 64 * 1_024
    /// Most tensors in one message.
    public static let maximumTensors = 8

    /// Which of the two a message is: where its tensors stand.
    public enum Kind: String, Sendable, Hashable {
        case request = "inputs"
        case response = "outputs"
    }

    public let kind: Kind
    public var tensors: [WireTensor]
    /// `parameters`, an object.
    public var parameters: [String: JSON]
    /// Names of the outputs that a request asks for; empty asks for all.
    public var requestedOutputs: [String]
    /// Further members, for example `model_name` of a response.
    public var members: [String: JSON]

    public init(
        _ kind: Kind, tensors: [WireTensor], parameters: [String: JSON] = [:], requestedOutputs: [String] = [],
        members: [String: JSON] = [:]
    ) {
        self.kind = kind
        self.tensors = tensors
        self.parameters = parameters
        self.requestedOutputs = requestedOutputs
        self.members = members
    }

    /// The body and the length of its JSON part.
    public var encoded: (headerLength: Int, body: [UInt8]) {
        var header = members
        header[kind.rawValue] = .array(
            tensors.map { tensor in
                [
                    "name": .string(tensor.name), "datatype": .string(tensor.dataType.rawValue),
                    "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
                    "parameters": ["binary_data_size": .integer(Int64(tensor.bytes.count))],
                ]
            })
        if !parameters.isEmpty { header["parameters"] = .object(parameters) }
        if !requestedOutputs.isEmpty {
            header["outputs"] = .array(
                requestedOutputs.map { ["name": .string($0), "parameters": ["binary_data": true]] })
        }
        let json = JSON.object(header).canonical
        return (json.count, tensors.reduce(into: json) { $0 += $1.bytes })
    }

    /// Reads a body.
    ///
    /// - Parameter headerLength: value of `headerLengthField`.
    /// - Throws: `input-invalid` when the lengths do not add up or a member has another shape; tensors whose data is
    ///   inside the JSON are refused.
    public init(_ kind: Kind, parsing body: [UInt8], headerLength: String?) throws(Refusal) {
        guard let text = headerLength, let length = Int(text),
            (2...InferenceMessage.maximumHeaderBytes).contains(length),
            length <= body.count
        else {
            throw Refusal(.inputInvalid, "\(InferenceMessage.headerLengthField) is missing or wrong")
        }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(body[..<length]) } catch {
            throw Refusal(.inputInvalid, "the inference header is not JSON: \(error)")
        }
        guard var members = json.object, let listed = members.removeValue(forKey: kind.rawValue)?.array,
            (1...InferenceMessage.maximumTensors).contains(listed.count)
        else {
            throw Refusal(
                .inputInvalid, "the inference header does not list 1 to \(InferenceMessage.maximumTensors) tensors")
        }
        var tensors: [WireTensor] = []
        var offset = length
        for item in listed {
            guard let name = item["name"]?.string, name.utf8.count <= 64,
                let dataType = item["datatype"]?.string.flatMap({ WireTensor.DataType(rawValue: $0) }),
                let shape = item["shape"]?.array?.compactMap({ $0.integer.flatMap { Int(exactly: $0) } }),
                shape.count == item["shape"]?.array?.count, item["data"] == nil,
                let size = item["parameters"]?["binary_data_size"]?.integer.flatMap({ Int(exactly: $0) }), size >= 0,
                size <= body.count - offset
            else {
                throw Refusal(.inputInvalid, "a tensor of the inference header is not a binary FP32 or UINT8 tensor")
            }
            tensors.append(
                try WireTensor(name: name, dataType: dataType, shape: shape, bytes: Array(body[offset..<offset + size]))
            )
            offset += size
        }
        guard offset == body.count else { throw Refusal(.inputInvalid, "bytes after the last tensor") }
        self.kind = kind
        self.tensors = tensors
        parameters = members.removeValue(forKey: "parameters")?.object ?? [:]
        requestedOutputs =
            kind == .request
            ? (members.removeValue(forKey: "outputs")?.array ?? []).compactMap { $0["name"]?.string } : []
        self.members = members
    }
}
