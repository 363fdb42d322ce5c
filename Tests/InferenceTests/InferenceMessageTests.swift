import Encoding
import InferenceProtocol
import Testing

@Suite struct InferenceMessageTests {
    private func message() throws -> InferenceMessage {
        InferenceMessage(
            .request, tensors: [try WireTensor(name: "image", shape: [1, 2], values: [1.5, -2])],
            parameters: ["rows": 1], requestedOutputs: ["labels"], members: ["id": "7"])
    }

    @Test func `a message survives its binary form`() throws {
        let message = try message()
        let encoded = message.encoded
        let read = try InferenceMessage(.request, parsing: encoded.body, headerLength: String(encoded.headerLength))
        #expect(read == message)
        #expect(read.tensors[0].floats == [1.5, -2])
    }

    @Test func `AC-127 lengths that do not add up are refused`() throws {
        let encoded = try message().encoded
        let length = String(encoded.headerLength)
        func read(_ body: [UInt8], _ length: String?) throws {
            _ = try InferenceMessage(.request, parsing: body, headerLength: length)
        }
        #expect(throws: Refusal.self) { try read(encoded.body + [0], length) }
        #expect(throws: Refusal.self) { try read(Array(encoded.body.dropLast()), length) }
        #expect(throws: Refusal.self) { try read(encoded.body, nil) }
        #expect(throws: Refusal.self) { try read(encoded.body, "-1") }
        #expect(throws: Refusal.self) { try read(encoded.body, "999999999999") }
    }

    @Test(
        "AC-127 hostile headers are refused",
        arguments: [
            #"{"inputs":[]}"#, #"{"inputs":[{"name":"a","datatype":"FP32","shape":[1],"data":[1]}]}"#,
            #"{"inputs":[{"name":"a","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":0}}]}"#,
            #"{"inputs":[{"name":"a","datatype":"UINT8","shape":[4194304,4194304],"parameters":{"binary_data_size":0}}]}"#,
            #"{"inputs":[{"name":"a","datatype":"UINT8","shape":[-1],"parameters":{"binary_data_size":0}}]}"#,
            #"{"inputs":[{"name":"a","datatype":"UINT8","shape":[0],"parameters":{"binary_data_size":0}}]}"#,
            #"{"inputs":[{"name":"a","datatype":"UINT8","shape":[1],"parameters":{"binary_data_size":-5}}]}"#, "[1]",
            "{",
        ])
    func hostile(header: String) {
        #expect(throws: Refusal.self) {
            try InferenceMessage(.request, parsing: Array(header.utf8), headerLength: String(header.utf8.count))
        }
    }
}
