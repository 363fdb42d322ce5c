import Encoding
import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite struct `A PNG` {
    /// Reads what `PNG.encode` writes: chunks with right checksums, stored blocks, no filters.
    private func decode(_ file: [UInt8]) throws -> (header: [UInt8], palette: [UInt8], lines: [UInt8]) {
        var reader = ByteReader(file, refusing: .imageInvalid)
        #expect(try reader.take(8, "signature").elementsEqual([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
        var chunks: [String: [UInt8]] = [:]
        while !reader.isAtEnd {
            let length = try reader.bigEndian(UInt32.self, "length")
            let body = Array(try reader.take(Int(length) + 4, "chunk"))
            #expect(try reader.bigEndian(UInt32.self, "checksum") == PNG.crc32(body))
            chunks[String(decoding: body[..<4], as: UTF8.self)] = Array(body[4...])
        }
        #expect(chunks["IEND"] == [])
        let data = try #require(chunks["IDAT"])
        var stream = ByteReader(data, refusing: .imageInvalid)
        #expect(try stream.bigEndian(UInt16.self, "header") % 31 == 0)
        var lines: [UInt8] = []
        var isLast = false
        while !isLast {
            isLast = try stream.uint8("block") == 1
            let length = try stream.littleEndian(UInt16.self, "length")
            #expect(try stream.littleEndian(UInt16.self, "complement") == ~length)
            lines += try stream.take(Int(length), "block")
        }
        #expect(try stream.bigEndian(UInt32.self, "sum") == PNG.adler32(lines))
        try stream.finish("the stream")
        return (try #require(chunks["IHDR"]), chunks["PLTE"] ?? [], lines)
    }

    @Test func `has the checksums of its standards`() {
        #expect(PNG.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
        #expect(PNG.crc32(Array("IEND".utf8)) == 0xAE42_6082)
        #expect(PNG.adler32(Array("Wikipedia".utf8)) == 0x11E6_0398)
        #expect(PNG.adler32([]) == 1)
    }

    @Test func `holds grey pixels`() throws {
        let decoded = try decode(PNG.encode(width: 3, height: 2, .grey, [1, 2, 3, 4, 5, 6]))
        #expect(decoded.header == [0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0])
        #expect(decoded.lines == [0, 1, 2, 3, 0, 4, 5, 6])
    }

    @Test func `holds colours and palettes`() throws {
        let rgb = try decode(PNG.encode(width: 1, height: 2, .rgb, [1, 2, 3, 4, 5, 6]))
        #expect(rgb.header[9] == 2)
        #expect(rgb.lines == [0, 1, 2, 3, 0, 4, 5, 6])
        let colours = [Colour(red: 1, green: 2, blue: 3), Colour(red: 4, green: 5, blue: 6)]
        let palette = try decode(PNG.encode(width: 2, height: 1, .palette(colours), [0, 1]))
        #expect(palette.header[9] == 3)
        #expect(palette.palette == [1, 2, 3, 4, 5, 6])
        #expect(throws: Refusal.self) { try PNG.encode(width: 2, height: 1, .palette(colours), [0, 2]) }
    }

    @Test func `larger than one stored block is split`() throws {
        let pixels = (0..<300 * 300).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let decoded = try decode(PNG.encode(width: 300, height: 300, .grey, pixels))
        #expect(decoded.lines.count == 300 * 301)
        #expect(decoded.lines[1..<301].elementsEqual(pixels[..<300]))
    }

    @Test func `is refused when the pixels do not fill it`() {
        #expect(throws: Refusal.self) { try PNG.encode(width: 2, height: 2, .grey, [1, 2, 3]) }
        #expect(throws: Refusal.self) { try PNG.encode(width: 0, height: 2, .grey, []) }
        #expect(throws: Refusal.self) { try PNG.encode(width: 1, height: 1, .rgb, [1]) }
    }

    @Test func `of an overlay paints the classes and leaves the background alone`() throws {
        let pixels = try LabelOverlay.paint([0, 1, 2, 3], over: [10, 20, 30, 40], opacity: 1)
        #expect(pixels[..<3] == [10, 10, 10])
        for label in 1...3 {
            let colour = LabelOverlay.colours[label - 1]
            #expect(Array(pixels[label * 3..<label * 3 + 3]) == [colour.red, colour.green, colour.blue])
        }
        #expect(try LabelOverlay.paint([1], over: [7], opacity: 0) == [7, 7, 7])
        #expect(throws: Refusal.self) { try LabelOverlay.paint([4], over: [0]) }
        #expect(throws: Refusal.self) { try LabelOverlay.paint([1, 1], over: [0]) }
    }

    @Test(.enabled(if: ProjectFolders.python != nil, "needs the Python of the set-up"))
    func `is read by an independent inflater`() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "picture.png")
        let pixels = (0..<200 * 400).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try Data(try PNG.encode(width: 400, height: 200, .grey, pixels)).write(to: file)
        let script = """
            import sys, zlib, struct, hashlib
            data = open(sys.argv[1], 'rb').read()
            position, stream = 8, b''
            while position < len(data):
                length, kind = struct.unpack('>I4s', data[position:position + 8])
                body = data[position + 8:position + 8 + length]
                assert zlib.crc32(kind + body) == struct.unpack('>I', data[position + 8 + length:position + 12 + length])[0]
                stream += body if kind == b'IDAT' else b''
                position += 12 + length
            lines = zlib.decompress(stream)
            print(hashlib.sha256(b''.join(lines[row * 401 + 1:(row + 1) * 401] for row in range(200))).hexdigest())
            """
        #expect(try Python.run(script, [file.path]) == Digest(of: pixels).hex)
    }
}
