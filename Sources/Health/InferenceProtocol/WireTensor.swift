public import Encoding

/// One tensor of the Open Inference Protocol v2 in its binary form: little-endian, row-major, no padding.
public struct WireTensor: Sendable, Hashable {
    /// The element types that Cloister's models use.
    public enum DataType: String, Sendable, Hashable {
        case float32 = "FP32"
        case uint8 = "UINT8"

        /// Bytes of one element.
        public var size: Int {
            switch self {
            case .float32: 4
            case .uint8: 1
            }
        }
    }

    /// Most elements of one tensor: a 2,048 × 2,048 image.
    public static let maximumElements = 1 << 22

    public let name: String
    public let dataType: DataType
    public let shape: [Int]
    public let bytes: [UInt8]

    /// - Throws: `input-invalid` unless the bytes are exactly what shape and type say.
    public init(name: String, dataType: DataType, shape: [Int], bytes: [UInt8]) throws(Refusal) {
        guard try WireTensor.elements(of: shape) * dataType.size == bytes.count else {
            throw Refusal(.inputInvalid, "a tensor's size is not what its shape says")
        }
        self.name = name
        self.dataType = dataType
        self.shape = shape
        self.bytes = bytes
    }

    /// A float tensor from its values.
    public init(name: String, shape: [Int], values: [Float]) throws(Refusal) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 4)
        for value in values { bytes.appendLittleEndian(value.bitPattern) }
        try self.init(name: name, dataType: .float32, shape: shape, bytes: bytes)
    }

    /// The values of a float tensor; nil for another type.
    public var floats: [Float]? {
        guard dataType == .float32 else { return nil }
        var values: [Float] = []
        values.reserveCapacity(bytes.count / 4)
        for index in stride(from: 0, to: bytes.count, by: 4) {
            let low = UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8
            let high = UInt32(bytes[index + 2]) | UInt32(bytes[index + 3]) << 8
            values.append(Float(bitPattern: low | high << 16))
        }
        return values
    }

    /// Elements that a shape holds, at most `maximumElements`.
    static func elements(of shape: [Int]) throws(Refusal) -> Int {
        guard (1...8).contains(shape.count) else { throw Refusal(.inputInvalid, "a tensor has 1 to 8 dimensions") }
        var product = 1
        for dimension in shape {
            guard (1...maximumElements).contains(dimension), product <= maximumElements / dimension else {
                throw Refusal(.inputInvalid, "a tensor has at most \(maximumElements) elements, and none that is empty")
            }
            product *= dimension
        }
        return product
    }
}
