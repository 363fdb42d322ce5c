import Crypto

/// A file encrypted under a released key: models at rest, backups.
///
/// `CLSTSEAL` ‖ u32 big-endian length ‖ JCS header ‖ chunks of AES-256-GCM over 64 KiB each. The header is
/// authenticated by being part of the key's derivation; a chunk's nonce holds its index and whether it is the last,
/// so chunks can be neither moved nor cut off.
///
/// - Source: formats section 12.
public enum SealedFile {
    /// Plaintext bytes of every chunk but the last.
    public static let chunkBytes = 65_536
    /// Plaintexts beyond this are refused: 4 GiB.
    public static let maximumBytes: Int64 = 1 << 32

    static let magic = Array("CLSTSEAL".utf8)
    static let maximumHeaderBytes = 4_096
    private static let tagBytes = 16

    /// The header in the clear: which key opens the file and what is inside.
    public struct Header: Sendable, Hashable {
        /// The `kid` of the released key.
        public var key: String
        /// The file's name; a reader refuses another file under its key.
        public var name: String
        /// 32 bytes.
        public var salt: [UInt8]
        /// Of the plaintext.
        public var sha256: Digest
        /// Bytes of the plaintext.
        public var size: Int64

        var bytes: [UInt8] {
            let json: JSON = [
                "format": "cloister-sealed/1", "key": .string(key), "name": .string(name),
                "salt": .string(Base64.encodeURL(salt)), "sha256": .string(sha256.hex), "size": .integer(size),
            ]
            return json.canonical
        }

        init(key: String, name: String, salt: [UInt8], sha256: Digest, size: Int64) {
            self.key = key
            self.name = name
            self.salt = salt
            self.sha256 = sha256
            self.size = size
        }

        /// Reads the header of a sealed file, so that the reader learns which key to ask for.
        ///
        /// - Throws: `header-invalid`.
        public init(of file: [UInt8]) throws(Refusal) {
            self = try SealedFile.split(file).header
        }

        fileprivate init(parsing bytes: ArraySlice<UInt8>) throws(Refusal) {
            let json = try JSON.parseCanonical(bytes, "the header", refusing: .headerInvalid)
            var reader = try ObjectReader(json, "the header", refusing: .headerInvalid)
            try reader.format("cloister-sealed/1")
            key = try reader.string("key")
            name = try reader.string("name")
            salt = try reader.bytes("salt")
            let hex = try reader.string("sha256")
            size = try reader.integer("size")
            try reader.finish()
            guard salt.count == 32 else { throw Refusal(.headerInvalid, "the header's salt does not have 32 bytes") }
            guard let digest = Hex.decode(hex).flatMap({ Digest(bytes: $0) }), digest.hex == hex else {
                throw Refusal(.headerInvalid, "the header's sha256 is not a digest in lower-case hex")
            }
            guard (0...SealedFile.maximumBytes).contains(size) else {
                throw Refusal(.headerInvalid, "the header's size is out of range")
            }
            sha256 = digest
        }
    }

    /// Seals a file.
    ///
    /// - Parameters:
    ///   - key: the 32 bytes that the key service keeps.
    ///   - kid: its name there.
    /// - Throws: `key-invalid` unless the key has 32 bytes; `too-large`.
    public static func seal(
        _ plaintext: [UInt8], key: Secret, kid: String, name: String, randomness: Randomness = .system
    ) throws(Refusal) -> [UInt8] {
        guard Int64(plaintext.count) <= maximumBytes else { throw Refusal(.tooLarge, "the file is too large to seal") }
        let header = Header(
            key: kid, name: name, salt: randomness.bytes(32), sha256: Digest(of: plaintext),
            size: Int64(plaintext.count))
        let headerBytes = header.bytes
        guard headerBytes.count <= maximumHeaderBytes else {
            throw Refusal(.headerInvalid, "the key's or the file's name is too long")
        }
        let fileKey = try derive(key, salt: header.salt, headerBytes)
        var file = magic
        file.appendBigEndian(UInt32(headerBytes.count))
        file += headerBytes
        let chunks = chunkCount(plaintext.count)
        file.reserveCapacity(file.count + plaintext.count + chunks * tagBytes)
        for index in 0..<chunks {
            let start = index * chunkBytes
            let chunk = plaintext[start..<min(start + chunkBytes, plaintext.count)]
            guard let nonce = nonce(index, isLast: index == chunks - 1),
                let box = try? AES.GCM.seal(chunk, using: fileKey, nonce: nonce)
            else { throw Refusal(.blockAuthentication, "a block could not be sealed") }
            file += box.ciphertext
            file += box.tag
        }
        return file
    }

    /// Opens a sealed file.
    ///
    /// - Parameters:
    ///   - name: the file that the reader wants.
    ///   - expected: the digest of its content, where the reader knows it.
    ///   - mismatch: the code when the file is sound but another one; `model-digest` for a model.
    /// - Throws: `header-invalid`; `block-authentication` for a wrong key, a changed, moved, missing or added block;
    ///   `mismatch`.
    public static func open(
        _ file: [UInt8], key: Secret, name: String, expected: Digest? = nil, mismatch: RefusalCode = .headerInvalid
    ) throws(Refusal) -> [UInt8] {
        let (header, headerBytes, content) = try split(file)
        guard header.name == name else { throw Refusal(mismatch, "the sealed file is another one than was asked for") }
        if let expected, expected != header.sha256 {
            throw Refusal(mismatch, "the sealed file's content is not the one that was approved")
        }
        let size = Int(header.size)
        let chunks = chunkCount(size)
        // Before anything is allocated: the size claimed must be the size there.
        guard content.count == size + chunks * tagBytes else {
            throw Refusal(.blockAuthentication, "the sealed file is truncated, or has something after its last block")
        }
        let fileKey = try derive(key, salt: header.salt, Array(headerBytes))
        var plaintext: [UInt8] = []
        plaintext.reserveCapacity(size)
        for index in 0..<chunks {
            let start = content.startIndex + index * (chunkBytes + tagBytes)
            let end = min(start + chunkBytes + tagBytes, content.endIndex)
            guard let nonce = nonce(index, isLast: index == chunks - 1),
                let box = try? AES.GCM.SealedBox(
                    nonce: nonce, ciphertext: content[start..<end - tagBytes], tag: content[end - tagBytes..<end]),
                let chunk = try? AES.GCM.open(box, using: fileKey)
            else { throw Refusal(.blockAuthentication, "a block of the sealed file is not the one that was written") }
            plaintext += chunk
        }
        guard Digest(of: plaintext) == header.sha256 else {
            throw Refusal(mismatch, "the sealed file's content is not the one that its header names")
        }
        return plaintext
    }

    private static func split(
        _ file: [UInt8]
    ) throws(Refusal) -> (header: Header, bytes: ArraySlice<UInt8>, content: ArraySlice<UInt8>) {
        var reader = ByteReader(file, refusing: .headerInvalid)
        guard try reader.take(magic.count, "the magic").elementsEqual(magic) else {
            throw Refusal(.headerInvalid, "this is not a sealed file")
        }
        let length = try reader.bigEndian(UInt32.self, "the header's length")
        guard length <= maximumHeaderBytes else { throw Refusal(.headerInvalid, "the header is too long") }
        let bytes = try reader.take(Int(length), "the header")
        return (try Header(parsing: bytes), bytes, reader.rest())
    }

    /// An empty file has one empty chunk.
    private static func chunkCount(_ size: Int) -> Int { max(1, (size + chunkBytes - 1) / chunkBytes) }

    private static func derive(_ key: Secret, salt: [UInt8], _ header: [UInt8]) throws(Refusal) -> SymmetricKey {
        guard key.count == 32 else { throw Refusal(.keyInvalid, "the key does not have 32 bytes") }
        return key.withBytes { bytes in
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: bytes), salt: salt, info: Digest(of: header).bytes,
                outputByteCount: 32)
        }
    }

    /// 11 bytes of big-endian index, then 1 for the last chunk.
    private static func nonce(_ index: Int, isLast: Bool) -> AES.GCM.Nonce? {
        var bytes: [UInt8] = [0, 0, 0]
        bytes.appendBigEndian(UInt64(index))
        bytes.append(isLast ? 1 : 0)
        return try? AES.GCM.Nonce(data: bytes)
    }
}
