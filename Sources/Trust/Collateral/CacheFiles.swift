import Encoding

#if canImport(Glibc)
    import Glibc
#endif

/// Files of the cache: read whole, and replaced whole, so that another process never sees half of one.
enum CacheFiles {
    /// The file's bytes; nil when it is not there, cannot be read, or is over `maximumBytes`.
    static func read(_ path: String, maximumBytes: Int) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0, bytes.count + count <= maximumBytes else { return nil }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    /// Writes a new file beside `path`, syncs it, and renames it over `path`.
    ///
    /// - Throws: `not-ready`.
    static func write(_ bytes: [UInt8], to path: String) throws(Refusal) {
        let fresh = path + "." + Hex.encode(Randomness.system.bytes(8))
        let descriptor = unsafe open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("made") }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes[written...].withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            written += count
        }
        let isWhole = written == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard isWhole, unsafe rename(fresh, path) == 0 else {
            unsafe unlink(fresh)
            throw failure("written")
        }
    }

    /// Makes a folder, where absent, and the one above it.
    static func makeFolder(_ path: String) throws(Refusal) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw failure("made")
        }
        try makeFolder(String(path[..<slash]))
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("made") }
    }

    /// Names and sizes in bytes of the regular files in a folder; empty when it cannot be read.
    static func list(_ folder: String) -> [(name: String, bytes: Int)] {
        guard let directory = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(directory) }
        var files: [(name: String, bytes: Int)] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            let text = String(decoding: name, as: UTF8.self)
            var status = stat()
            guard unsafe lstat(folder + "/" + text, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            files.append((text, Int(status.st_size)))
        }
        return files
    }

    static func remove(_ path: String) { unsafe unlink(path) }

    /// Runs `body` unless another process, or another task of this one, is at it already.
    static func exclusively(_ path: String, _ body: () -> Void) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        // Closing releases the lock.
        defer { close(descriptor) }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { body() }
    }

    private static func failure(_ verb: String) -> Refusal {
        Refusal(.notReady, "a file of the collateral cache cannot be \(verb) (system error \(errno))")
    }
}
