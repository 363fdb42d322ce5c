import Crypto
import Encoding
import Testing

@Suite struct `A sealed file` {
    private static let key = Secret((0..<32).map { UInt8($0) })
    private static let fixed = Randomness { count in (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) } }

    private func seal(_ content: [UInt8], name: String = "model") throws -> [UInt8] {
        try SealedFile.seal(content, key: Self.key, kid: "kid-1", name: name, randomness: Self.fixed)
    }

    private func refusal(_ file: [UInt8], name: String = "model", key: Secret = key) -> RefusalCode? {
        do throws(Refusal) {
            _ = try SealedFile.open(file, key: key, name: name)
            return nil
        } catch {
            return error.code
        }
    }

    private func content(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])
    func `opens again whatever its size`(_ size: Int) throws {
        let content = content(size)
        let file = try seal(content)
        #expect(try SealedFile.open(file, key: Self.key, name: "model") == content)
        #expect(try SealedFile.open(file, key: Self.key, name: "model", expected: Digest(of: content)) == content)
        let header = try SealedFile.Header(of: file)
        #expect(header.key == "kid-1")
        #expect(header.size == Int64(size))
        #expect(header.sha256 == Digest(of: content))
    }

    @Test func `has the layout of its specification`() throws {
        let content = content(70_000)
        let file = try seal(content)
        #expect(file[..<8].elementsEqual("CLSTSEAL".utf8))
        let length = file[8..<12].reduce(0) { $0 << 8 | Int($1) }
        let headerBytes = Array(file[12..<12 + length])
        let header = try JSON.parse(headerBytes)
        #expect(header.canonical == headerBytes)
        #expect(Set((header.object ?? [:]).keys) == ["format", "key", "name", "salt", "sha256", "size"])
        #expect(header["format"] == "cloister-sealed/1")
        #expect(file.count == 12 + length + 70_000 + 2 * 16)
        // The second chunk, by hand.
        let salt = try #require(Base64.decode(header["salt"]?.string ?? ""))
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: (0..<32).map { UInt8($0) }), salt: salt,
            info: Array(SHA256.hash(data: headerBytes)), outputByteCount: 32)
        let nonce = try AES.GCM.Nonce(data: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
        let chunk = file[(12 + length + 65_536 + 16)...]
        let box = try AES.GCM.SealedBox(nonce: nonce, ciphertext: chunk.dropLast(16), tag: chunk.suffix(16))
        #expect(try AES.GCM.open(box, using: key).elementsEqual(content[65_536...]))
    }

    @Test("AC-093 a changed, moved, missing or added block is refused") func blocks() throws {
        let file = try seal(content(200_000))
        let start = file.count - (200_000 + 4 * 16)
        let block = 65_536 + 16
        for index in [start, start + block + 5, file.count - 1] {
            var changed = file
            changed[index] ^= 1
            #expect(refusal(changed) == .blockAuthentication)
        }
        var swapped = file
        swapped.replaceSubrange(start..<start + block, with: file[start + block..<start + 2 * block])
        swapped.replaceSubrange(start + block..<start + 2 * block, with: file[start..<start + block])
        #expect(refusal(swapped) == .blockAuthentication)
        #expect(refusal(Array(file.dropLast())) == .blockAuthentication)
        #expect(refusal(Array(file[..<(start + 3 * block)])) == .blockAuthentication)
        #expect(refusal(file + [0]) == .blockAuthentication)
        #expect(refusal(file + file[start..<start + block]) == .blockAuthentication)
    }

    @Test func `of the wrong key is refused`() throws {
        let file = try seal(content(10))
        #expect(refusal(file, key: Secret([UInt8](repeating: 1, count: 32))) == .blockAuthentication)
        #expect(refusal(file, key: Secret([UInt8](repeating: 1, count: 16))) == .keyInvalid)
    }

    @Test("AC-095 a header that was changed or names another file is refused") func header() throws {
        let file = try seal(content(10))
        #expect(refusal(file, name: "other") == .headerInvalid)
        let length = file[8..<12].reduce(0) { $0 << 8 | Int($1) }
        let header = String(decoding: file[12..<12 + length], as: UTF8.self)
        func with(_ header: String) -> [UInt8] {
            var bytes = Array("CLSTSEAL".utf8)
            bytes.appendBigEndian(UInt32(header.utf8.count))
            return bytes + header.utf8 + file[(12 + length)...]
        }
        #expect(with(header) == file)
        // Authentic in form, but not the one that the key was derived from.
        #expect(refusal(with(header.replacing("kid-1", with: "kid-2"))) == .blockAuthentication)
        for wrong in [
            header.replacing("sealed/1", with: "sealed/2"), header.replacing("\"size\":10", with: "\"size\":-1"),
            header.replacing("\"size\":10", with: "\"size\":99999999999999"), header + " ",
            header.replacing("\"size\":10", with: "\"size\":10,\"x\":1"), "{}", "",
            header.replacing("{\"format\"", with: "{\"also\":1,\"format\""),
        ] {
            #expect(refusal(with(wrong)) == .headerInvalid, "\(wrong)")
        }
        #expect(refusal(with(header.replacing("\"size\":10", with: "\"size\":11"))) == .blockAuthentication)
        #expect(refusal(Array("CLSTSEAX".utf8) + file[8...]) == .headerInvalid)
        for count in 0..<(12 + length) { #expect(refusal(Array(file[..<count])) == .headerInvalid) }
    }

    @Test("AC-125 another model under the same name is refused") func model() throws {
        let file = try seal(content(10))
        func code(name: String = "model", expected: Encoding.Digest?) -> RefusalCode? {
            do throws(Refusal) {
                _ = try SealedFile.open(file, key: Self.key, name: name, expected: expected, mismatch: .modelDigest)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(expected: nil) == nil)
        #expect(code(expected: Digest(of: "other")) == .modelDigest)
        #expect(code(name: "other", expected: nil) == .modelDigest)
    }
}
