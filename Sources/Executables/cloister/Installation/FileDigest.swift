import Crypto
import Encoding
import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#endif

/// Digests of a file, read once in pieces: executables are large.
struct FileDigest: Sendable {
    let sha256: [UInt8]
    /// Empty unless it was asked for.
    let sha384: [UInt8]
    /// Bytes.
    let size: Int64

    /// - Parameter isLong: whether to make the SHA-384 too.
    init(of path: String, isLong: Bool = false) throws(CommandFailure) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .usage("\(path) cannot be read") }
        defer { close(descriptor) }
        var short = SHA256()
        var long = SHA384()
        var size: Int64 = 0
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw .usage("\(path) cannot be read") }
            if count == 0 { break }
            short.update(data: chunk[..<count])
            if isLong { long.update(data: chunk[..<count]) }
            size += Int64(count)
        }
        sha256 = Array(short.finalize())
        sha384 = isLong ? Array(long.finalize()) : []
        self.size = size
    }
}

/// Which file this is, without reading it: another inode, size or time means that it may be another program.
struct FileIdentity: CustomStringConvertible {
    let description: String

    init(of path: String) throws(CommandFailure) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let number = attributes[.systemFileNumber] as? Int, let size = attributes[.size] as? Int,
            let modified = attributes[.modificationDate] as? Date
        else { throw .usage("\(path) cannot be read") }
        description = "\(number).\(size).\(modified.timeIntervalSince1970)"
    }
}
