public import Encoding

/// Writes PNG images of 8 bits a channel.
///
/// The pixel stream is zlib with stored blocks: larger than a compressed file, but small enough to write here, and
/// nothing is linked for it.
///
/// - Source: PNG, third edition (W3C), sections 5, 9 and 11; RFC 1950; RFC 1951 section 3.2.4.
public enum PNG {
    /// What the bytes of a pixel mean.
    public enum Pixels: Sendable, Hashable {
        /// One byte a pixel.
        case grey
        /// Three bytes a pixel.
        case rgb
        /// One byte a pixel, an index into at most 256 colours.
        case palette([Colour])
    }

    /// - Parameters:
    ///   - width: columns.
    ///   - height: rows.
    ///   - bytes: row by row, without padding.
    /// - Throws: `image-invalid` when the bytes do not fill the rectangle or name a colour that is not in the palette.
    public static func encode(
        width: Int, height: Int, _ pixels: Pixels, _ bytes: [UInt8]
    ) throws(Refusal) -> [UInt8] {
        let channels = pixels == .rgb ? 3 : 1
        guard (1...65_535).contains(width), (1...65_535).contains(height), bytes.count == width * height * channels
        else {
            throw Refusal(.imageInvalid, "the pixels do not fill the picture")
        }
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        var header: [UInt8] = []
        header.appendBigEndian(UInt32(width))
        header.appendBigEndian(UInt32(height))
        header += [8, pixels.colourType, 0, 0, 0]
        append("IHDR", header, to: &file)
        if case .palette(let colours) = pixels {
            guard (1...256).contains(colours.count), bytes.allSatisfy({ Int($0) < colours.count }) else {
                throw Refusal(.imageInvalid, "a pixel names a colour that is not in the palette")
            }
            append("PLTE", colours.flatMap { [$0.red, $0.green, $0.blue] }, to: &file)
        }
        append("IDAT", zlib(scanLines(bytes, width: width * channels)), to: &file)
        append("IEND", [], to: &file)
        return file
    }

    /// Every row preceded by filter type 0 (none).
    private static func scanLines(_ bytes: [UInt8], width: Int) -> [UInt8] {
        var lines: [UInt8] = []
        lines.reserveCapacity(bytes.count + bytes.count / width)
        for start in stride(from: 0, to: bytes.count, by: width) {
            lines.append(0)
            lines += bytes[start..<start + width]
        }
        return lines
    }

    private static func zlib(_ content: [UInt8]) -> [UInt8] {
        // Deflate with a 32 KiB window, no dictionary; the two bytes are a multiple of 31.
        var stream: [UInt8] = [0x78, 0x01]
        let blockBytes = 65_535
        for start in stride(from: 0, to: content.count, by: blockBytes) {
            let end = min(start + blockBytes, content.count)
            stream.append(end == content.count ? 1 : 0)
            stream.appendLittleEndian(UInt16(end - start))
            stream.appendLittleEndian(~UInt16(end - start))
            stream += content[start..<end]
        }
        stream.appendBigEndian(adler32(content))
        return stream
    }

    private static func append(_ type: StaticString, _ content: [UInt8], to file: inout [UInt8]) {
        file.appendBigEndian(UInt32(content.count))
        let body = Array(type.description.utf8) + content
        file += body
        file.appendBigEndian(crc32(body))
    }

    static func adler32(_ bytes: [UInt8]) -> UInt32 {
        var low: UInt32 = 1
        var high: UInt32 = 0
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return high << 16 | low
    }

    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in crcTable[Int((crc ^ UInt32(byte)) & 0xFF)] ^ crc >> 8 }
    }

    private static let crcTable: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? 0xEDB8_8320 ^ crc >> 1 : crc >> 1 }
    }
}

extension PNG.Pixels {
    fileprivate var colourType: UInt8 {
        switch self {
        case .grey: 0
        case .rgb: 2
        case .palette: 3
        }
    }
}
