import Attester
import Encoding

#if canImport(Glibc)
    import Glibc
#endif

/// Files of the simulator: read whole, and replaced whole, so that a reader never sees half of one.
enum PrivateFiles {
    /// Greatest length of a file that is read, in bytes.
    private static let maximumBytes = 1 << 20

    /// Makes a folder, and those above it, where absent.
    static func makeFolder(_ path: String, mode: UInt32 = 0o700) throws(Refusal) {
        guard unsafe mkdir(path, mode) != 0, errno != EEXIST else { return }
        let problem = errno
        guard problem == ENOENT, let parent = folder(of: path) else {
            throw Refusal(.notReady, "a folder cannot be made (system error \(problem))")
        }
        try makeFolder(parent, mode: mode)
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else {
            throw Refusal(.notReady, "a folder cannot be made (system error \(errno))")
        }
    }

    /// The folder that holds `path`; nil for a bare name and for one at the top.
    static func folder(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return nil }
        return String(path[..<slash])
    }

    /// The file's bytes; nil where there is none.
    static func read(_ path: String) throws(Refusal) -> [UInt8]? {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else {
            if errno == ENOENT { return nil }
            throw Refusal(.notReady, "a file cannot be opened (system error \(errno))")
        }
        return try readAll(OwnedDescriptor(number), maximumBytes: maximumBytes)
    }

    /// Everything that can be read from `file`.
    static func readAll(_ file: OwnedDescriptor, maximumBytes: Int) throws(Refusal) -> [UInt8] {
        var content: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe part.withUnsafeMutableBytes { unsafe Glibc.read(file.number, $0.baseAddress, $0.count) }
            if count == 0 { return content }
            guard count > 0 else { throw Refusal(.notReady, "a file cannot be read (system error \(errno))") }
            content += part.prefix(count)
            guard content.count <= maximumBytes else { throw Refusal(.tooLarge, "a file is longer than expected") }
        }
    }

    /// Writes a new file beside `path`, syncs it, and renames it over `path`.
    static func write(_ content: [UInt8], to path: String, mode: UInt32) throws(Refusal) {
        let fresh = path + "." + Hex.encode(Randomness.system.bytes(8))
        let number = unsafe open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard number >= 0 else { throw Refusal(.notReady, "a file cannot be made (system error \(errno))") }
        let file = OwnedDescriptor(number)
        var written = 0
        while written < content.count {
            let count = unsafe content[written...].withUnsafeBytes {
                unsafe Glibc.write(file.number, $0.baseAddress, $0.count)
            }
            guard count > 0 else { break }
            written += count
        }
        guard written == content.count, fsync(file.number) == 0, unsafe rename(fresh, path) == 0 else {
            let problem = errno
            unsafe unlink(fresh)
            throw Refusal(.notReady, "a file cannot be written (system error \(problem))")
        }
    }
}
