#if canImport(Glibc)
    import Glibc
#endif

/// Which rescaled values are shown between black and white. For display only: the model takes values before the window.
///
/// - Source: DICOM PS3.3 C.11.2.1.
public struct DisplayWindow: Sendable, Hashable {
    public enum Function: Sendable, Hashable {
        case linear, linearExact, sigmoid
    }

    public let centre: Double
    public let width: Double
    public let function: Function

    /// Nil for a width that the function does not allow.
    public init?(centre: Double, width: Double, function: Function = .linear) {
        guard centre.isFinite, width.isFinite, function == .linear ? width >= 1 : width > 0 else { return nil }
        self.centre = centre
        self.width = width
        self.function = function
    }

    /// 0 for black to 1 for white.
    func level(_ value: Double) -> Double {
        let level =
            switch function {
            case .linear where width == 1: value <= centre - 0.5 ? 0.0 : 1.0
            case .linear: (value - (centre - 0.5)) / (width - 1) + 0.5
            case .linearExact: (value - centre) / width + 0.5
            case .sigmoid: 1 / (1 + exp(-4 * (value - centre) / width))
            }
        return level > 0 ? min(level, 1) : 0
    }
}

extension GreyImage {
    /// The image as 8-bit grey, row by row, black 0 to white 255, under the file's window or else over its whole range.
    public func rendered() -> [UInt8] {
        let window = self.window ?? wholeRange()
        return stored.map { value in
            let level = window?.level(Double(value) * slope + intercept) ?? 0.5
            return UInt8((isInverted ? 1 - level : level) * 255 + 0.5)
        }
    }

    /// Nil when all pixels are equal.
    private func wholeRange() -> DisplayWindow? {
        let values = [stored.min(), stored.max()].compactMap { $0 }.map { Double($0) * slope + intercept }
        guard let low = values.min(), let high = values.max() else { return nil }
        return DisplayWindow(centre: (low + high) / 2, width: high - low, function: .linearExact)
    }
}
