#if canImport(Glibc)
    import Glibc
#endif

/// What the audit log needs of a file; tests put one here that fails when it is told to.
package protocol AuditFile: Sendable {
    /// At most `count` bytes from `offset`; empty at the end.
    func read(at offset: Int64, count: Int) throws(AuditFileError) -> [UInt8]
    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: [UInt8], at offset: Int64) throws(AuditFileError)
    /// Cuts the file off after `length` bytes.
    func truncate(to length: Int64) throws(AuditFileError)
    /// Returns when everything written is on the disk.
    func synchronize() throws(AuditFileError)
}

/// A failed system call; its number says why, and nothing says where the file lies.
package struct AuditFileError: Error, Hashable, Sendable {
    package var errorNumber: Int32

    package init(errorNumber: Int32) {
        self.errorNumber = errorNumber
    }
}

/// A file of this machine, mode 0600, locked against a second writer for as long as it is open.
final class SystemAuditFile: AuditFile {
    private let descriptor: Int32

    /// Opens or creates the file, takes the lock, and makes the folder's entry durable.
    init(path: String) throws(AuditFileError) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw AuditFileError(errorNumber: errno) }
        self.descriptor = descriptor
        // Two writers would fork the chain.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw AuditFileError(errorNumber: errno) }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let folderDescriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folderDescriptor >= 0 else { throw AuditFileError(errorNumber: errno) }
        defer { close(folderDescriptor) }
        guard fsync(folderDescriptor) == 0 else { throw AuditFileError(errorNumber: errno) }
    }

    deinit {
        close(descriptor)
    }

    func read(at offset: Int64, count: Int) throws(AuditFileError) -> [UInt8] {
        try readFully(descriptor, at: offset, count: count)
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws(AuditFileError) {
        var done = 0
        while done < bytes.count {
            let step = unsafe bytes.withUnsafeBytes { bytes in
                unsafe pwrite(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, Int(offset) + done)
            }
            if step < 0 {
                if errno == EINTR { continue }
                throw AuditFileError(errorNumber: errno)
            }
            if step == 0 { throw AuditFileError(errorNumber: EIO) }
            done += step
        }
    }

    func truncate(to length: Int64) throws(AuditFileError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw AuditFileError(errorNumber: errno) }
    }

    func synchronize() throws(AuditFileError) {
        // The length goes with the data; times of the file are nobody's proof.
        guard fdatasync(descriptor) == 0 else { throw AuditFileError(errorNumber: errno) }
    }
}

/// A file that somebody else may be writing to; it is neither made nor locked nor changed.
final class ReadOnlyAuditFile: AuditFile {
    private let descriptor: Int32

    init(path: String) throws(AuditFileError) {
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AuditFileError(errorNumber: errno) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func read(at offset: Int64, count: Int) throws(AuditFileError) -> [UInt8] {
        try readFully(descriptor, at: offset, count: count)
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws(AuditFileError) { throw AuditFileError(errorNumber: EROFS) }
    func truncate(to length: Int64) throws(AuditFileError) { throw AuditFileError(errorNumber: EROFS) }
    func synchronize() throws(AuditFileError) {}
}

/// As much as there is of `count` bytes.
private func readFully(_ descriptor: Int32, at offset: Int64, count: Int) throws(AuditFileError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
        let step = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe pread(descriptor, bytes.baseAddress?.advanced(by: done), count - done, Int(offset) + done)
        }
        if step < 0 {
            if errno == EINTR { continue }
            throw AuditFileError(errorNumber: errno)
        }
        if step == 0 { break }
        done += step
    }
    return Array(buffer.prefix(done))
}
