import Audit
import Channel
import Encoding
import Inference
import InferenceProtocol
import ServiceKit
import Telemetry
import Unit

/// The Open Inference Protocol v2 inside the channel: infer, and whether a model is ready.
///
/// There is no call that works before the caller is known, no model control, and no reference to a file.
struct DiagnosticsHandler: InnerHandler {
    let runtime: UnitRuntime
    let models: ModelKeeper

    func readiness() async -> Refusal? { models.firstWaiting() }

    func respond(to request: InnerRequest) async -> InnerResponse {
        do throws(Refusal) {
            return try await answer(request)
        } catch {
            runtime.metrics.count(
                "inner_refusals_total", "Sealed requests refused", ["code": .identifier(error.code.name)])
            runtime.log.info(
                "refused inside the channel", [.code: .identifier(error.name), .id: .identifier(request.id)])
            return .problem(error, id: request.id)
        }
    }

    private func answer(_ request: InnerRequest) async throws(Refusal) -> InnerResponse {
        let segments = request.request.path.split(separator: "/").map(String.init)
        guard segments.count == 6, segments[0] == "v2", segments[1] == "models", segments[3] == "versions" else {
            throw Refusal(.notFound, "no such route")
        }
        let loaded = try models.model(segments[2], version: segments[4])
        switch (request.request.method, segments[5]) {
        case ("GET", "ready"):
            return .json(["name": .string(segments[2]), "ready": true])
        case ("POST", "infer"):
            return try await infer(request, loaded)
        default:
            throw Refusal(.notFound, "no such route")
        }
    }

    private func infer(_ request: InnerRequest, _ loaded: ModelKeeper.Loaded) async throws(Refusal) -> InnerResponse {
        let start = ContinuousClock.now
        let message = try InferenceMessage(
            .request, parsing: request.request.content,
            headerLength: request.request.fields[InferenceMessage.headerLengthField])
        let slice = try DiagnosticsHandler.slice(message)
        let delineation = try await loaded.delineation.delineate(slice)
        let labels = try WireTensor(
            name: "labels", dataType: .uint8, shape: [1, slice.rows, slice.columns], bytes: delineation.labels)
        var members: [String: JSON] = [
            "model_name": .string(loaded.reference.name), "model_version": .string(loaded.reference.version),
        ]
        if let id = message.members["id"]?.string { members["id"] = .string(String(id.prefix(64))) }
        let answer = InferenceMessage(
            .response, tensors: [labels],
            parameters: [
                "volumes": [
                    "csf": .number(delineation.csf), "grey": .number(delineation.grey),
                    "white": .number(delineation.white),
                ]
            ], members: members
        ).encoded
        let elapsed = ContinuousClock.now - start
        runtime.metrics.observe(
            "inference_duration_seconds", "Time from the decrypted request to the answer",
            ["model": .identifier(loaded.reference.name)], seconds: elapsed / .seconds(1))
        return InnerResponse(
            BinaryResponse(
                status: 200,
                fields: [
                    BinaryField("content-type", "application/octet-stream"),
                    BinaryField(InferenceMessage.headerLengthField, String(answer.headerLength)),
                ], content: answer.body), model: loaded.reference)
    }

    /// The slice that a request describes; a member that has no business here is refused (AC-058).
    private static func slice(_ message: InferenceMessage) throws(Refusal) -> Slice {
        guard message.tensors.count == 1, let tensor = message.tensors.first, tensor.name == "image",
            tensor.shape.count == 4, tensor.shape[0] == 1, tensor.shape[1] == 1, let values = tensor.floats
        else { throw Refusal(.inputInvalid, "the one input is image, FP32, of shape [1, 1, height, width]") }
        guard Set(message.members.keys).isSubset(of: ["id"]),
            message.requestedOutputs.isEmpty || message.requestedOutputs == ["labels"]
        else { throw Refusal(.inputInvalid, "the request asks for more than labels, or says more than it may") }
        var reader = try ObjectReader(.object(message.parameters), "the parameters", refusing: .inputInvalid)
        let rows = try reader.integer("rows")
        let columns = try reader.integer("columns")
        let spacing = try reader.array("pixelSpacing").compactMap(\.double)
        let thickness = try reader.value("sliceThickness").double
        try reader.finish()
        guard let rows = Int(exactly: rows), let columns = Int(exactly: columns), spacing.count == 2, let thickness
        else {
            throw Refusal(.inputInvalid, "pixelSpacing is two numbers and sliceThickness one")
        }
        return try Slice(
            rows: rows, columns: columns, paddedRows: tensor.shape[2], paddedColumns: tensor.shape[3], values: values,
            rowSpacing: spacing[0], columnSpacing: spacing[1], thickness: thickness)
    }
}
