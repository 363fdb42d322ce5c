import Channel
import Encoding
import Imaging
import InferenceProtocol

/// Exactly what leaves the platform unit for one diagnosis: pixels and geometry, nothing that names anybody.
///
/// Identity is not removed from the file; it is never put in. Each field that leaves is on the release list of the
/// tenant's policy (AC-054).
struct DiagnosisInput: Sendable {
    /// Largest image side in pixels.
    static let maximumSide = 2_048

    let image: GreyImage
    let spacing: PixelSpacing
    /// Millimetres.
    let sliceThickness: Double

    /// - Throws: `image-invalid` for an image that the model cannot take or whose volumes cannot be measured.
    init(_ file: DICOMFile) throws(Refusal) {
        image = try file.greyImage()
        guard image.rows <= DiagnosisInput.maximumSide, image.columns <= DiagnosisInput.maximumSide else {
            throw Refusal(.imageInvalid, "the image is larger than \(DiagnosisInput.maximumSide) pixels a side")
        }
        guard let spacing = image.pixelSpacing, let sliceThickness = image.sliceThickness else {
            throw Refusal(.imageInvalid, "the image does not say its pixel spacing and slice thickness")
        }
        self.spacing = spacing
        self.sliceThickness = sliceThickness
    }

    /// The names under which policies release what `message` holds.
    static let fields = ["pixels", "rows", "columns", "pixelSpacing", "sliceThickness", "rescale"]

    /// The request to the diagnostics unit, without the fields that name this unit.
    ///
    /// - Parameters:
    ///   - model: name and version of the model to run.
    ///   - released: what may leave, from every policy that applies.
    /// - Throws: `field-not-released` naming the first field that a policy does not release.
    func request(model: (name: String, version: String), released: [Set<String>]) throws(Refusal) -> BinaryRequest {
        for field in DiagnosisInput.fields where !released.allSatisfy({ $0.contains(field) }) {
            throw Refusal(
                .fieldNotReleased, part: field, "the policy does not release \(field) to the diagnostics unit")
        }
        let input = image.modelInput()
        let tensor = try WireTensor(
            name: "image", shape: [1, 1, input.paddedRows, input.paddedColumns], values: input.values)
        let message = InferenceMessage(
            .request, tensors: [tensor],
            parameters: [
                "rows": .integer(Int64(input.rows)), "columns": .integer(Int64(input.columns)),
                "pixelSpacing": [.number(spacing.row), .number(spacing.column)],
                "sliceThickness": .number(sliceThickness),
            ], requestedOutputs: ["labels"]
        ).encoded
        return BinaryRequest(
            method: "POST", authority: "diagnostics", path: "/v2/models/\(model.name)/versions/\(model.version)/infer",
            fields: [
                BinaryField("content-type", "application/octet-stream"),
                BinaryField(InferenceMessage.headerLengthField, String(message.headerLength)),
            ], content: message.body)
    }
}
