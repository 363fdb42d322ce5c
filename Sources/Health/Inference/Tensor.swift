public import Encoding

/// A dense tensor, row-major.
public struct Tensor: Sendable, Hashable {
    /// The elements of the types that Cloister's models use.
    public enum Elements: Sendable, Hashable {
        case float32([Float])
        case uint8([UInt8])
        case int64([Int64])

        public var count: Int {
            switch self {
            case .float32(let values): values.count
            case .uint8(let values): values.count
            case .int64(let values): values.count
            }
        }

        /// The type of the elements.
        public var type: ElementType {
            switch self {
            case .float32: .float32
            case .uint8: .uint8
            case .int64: .int64
            }
        }
    }

    /// Tensors beyond this many elements are refused: 64 Mi.
    public static let maximumElements = 1 << 26

    public let shape: [Int]
    public let elements: Elements

    /// - Throws: `input-invalid` unless the elements fill the shape, or when an element is not finite.
    public init(shape: [Int], _ elements: Elements) throws(Refusal) {
        guard shape.count <= 8, let count = Tensor.count(of: shape) else {
            throw Refusal(.inputInvalid, "the tensor's shape is not allowed")
        }
        guard count == elements.count else {
            throw Refusal(.inputInvalid, "the tensor has \(elements.count) elements, its shape \(count)")
        }
        if case .float32(let values) = elements, !values.allSatisfy(\.isFinite) {
            throw Refusal(.inputInvalid, "the tensor holds a value that is not a finite number")
        }
        self.shape = shape
        self.elements = elements
    }

    /// For tensors that ONNX Runtime made: finite or not, the caller sees what came out.
    init(unchecked shape: [Int], _ elements: Elements) {
        self.shape = shape
        self.elements = elements
    }

    /// The number of elements of a shape; nil when a dimension is negative or the product too large.
    static func count(of shape: [Int]) -> Int? {
        var count = 1
        for dimension in shape {
            guard dimension >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow, product <= maximumElements else { return nil }
            count = product
        }
        return count
    }
}

/// ONNX element types that Cloister's models use, with ONNX Runtime's numbers.
public enum ElementType: Int32, Sendable, Hashable {
    case float32 = 1
    case uint8 = 2
    case int64 = 7
}

/// An input or output of a model.
public struct TensorDescription: Sendable, Hashable {
    public let name: String
    /// Nil when it is not a tensor of a type in `ElementType`.
    public let type: ElementType?
    /// Nil where a dimension is free.
    public let shape: [Int?]
}
