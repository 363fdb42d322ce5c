public import Encoding

/// A colour of 8 bits a channel.
public struct Colour: Sendable, Hashable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }
}

/// Paints a label map over a grey image.
public enum LabelOverlay {
    /// Colours of CSF, grey and white matter (labels 1 to 3); told apart by people with colour blindness too
    /// (Okabe and Ito). Label 0, the background, is not painted.
    public static let colours = [
        Colour(red: 0x56, green: 0xB4, blue: 0xE9),
        Colour(red: 0xE6, green: 0x9F, blue: 0x00),
        Colour(red: 0x00, green: 0x9E, blue: 0x73),
    ]

    /// Three bytes a pixel, row by row.
    ///
    /// - Parameters:
    ///   - grey: one 8-bit value a pixel.
    ///   - labels: one label a pixel.
    ///   - opacity: 0 shows the image alone, 1 the labels alone.
    /// - Throws: `output-shape` when there is not one label per pixel, or a label that is no class.
    public static func paint(
        _ labels: [UInt8], over grey: [UInt8], opacity: Double = 0.45
    ) throws(Refusal) -> [UInt8] {
        guard labels.count == grey.count, labels.allSatisfy({ Int($0) <= colours.count }) else {
            throw Refusal(.outputShape, "the label map does not fit the image")
        }
        let share = min(max(opacity, 0), 1)
        func mix(_ below: UInt8, _ above: UInt8) -> UInt8 {
            UInt8(Double(below) * (1 - share) + Double(above) * share + 0.5)
        }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(grey.count * 3)
        for (value, label) in zip(grey, labels) {
            if label == 0 {
                pixels += [value, value, value]
            } else {
                let colour = colours[Int(label) - 1]
                pixels += [mix(value, colour.red), mix(value, colour.green), mix(value, colour.blue)]
            }
        }
        return pixels
    }
}
