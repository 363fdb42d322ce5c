import Attester
import CUnixSocket
import Crypto
import Encoding

#if canImport(Glibc)
    import Glibc
#endif

/// A process's executable, opened, with what tells whether it changed.
struct ExecutableFile {
    private let file: OwnedDescriptor
    private let opened: cloister_file_identity

    /// Greatest size that is measured, in bytes.
    static let maximumBytes: Int64 = 1 << 30

    /// - Throws: `measurement-unknown` for anything but a file of a size that is measured.
    init(_ file: OwnedDescriptor) throws(Refusal) {
        self.file = file
        opened = try Self.identity(of: file)
        guard opened.regular, opened.size > 0, opened.size <= Self.maximumBytes else {
            throw Refusal(.measurementUnknown, "the caller's executable is not a file that is measured")
        }
    }

    /// Hashes the whole file.
    ///
    /// - Throws: `measurement-unknown` when it changes meanwhile.
    func measure() throws(Refusal) -> ExecutableMeasurement {
        var enclave = SHA256()
        var launch = SHA384()
        var offset: Int64 = 0
        var part = [UInt8](repeating: 0, count: 1 << 20)
        while offset < opened.size {
            let count = unsafe part.withUnsafeMutableBytes { buffer in
                let count = unsafe pread(file.number, buffer.baseAddress, buffer.count, off_t(offset))
                if count > 0 {
                    let content = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
                    unsafe enclave.update(bufferPointer: content)
                    unsafe launch.update(bufferPointer: content)
                }
                return count
            }
            guard count > 0 else { throw Refusal(.measurementUnknown, "the caller's executable cannot be read") }
            offset += Int64(count)
        }
        let measurement = ExecutableMeasurement(enclave: enclave.finalize(), launch: launch.finalize())
        try requireUnchanged()
        return measurement
    }

    /// The second measurement of rule 9, without hashing again: the file that was hashed is still open, so its inode
    /// cannot have been freed and given to another file; it still has the same size and times, of which the time of
    /// change cannot be set back by a caller; and while a process executes it the kernel lets nobody write to it
    /// (ETXTBSY). `other` is what the process executes now.
    func requireSame(as other: ExecutableFile) throws(Refusal) {
        guard opened.device == other.opened.device, opened.inode == other.opened.inode else {
            throw Refusal(.instanceMismatch, "the caller became another program")
        }
        try requireUnchanged()
    }

    private func requireUnchanged() throws(Refusal) {
        let now = try Self.identity(of: file)
        guard now.size == opened.size, now.modified_nanoseconds == opened.modified_nanoseconds,
            now.changed_nanoseconds == opened.changed_nanoseconds
        else { throw Refusal(.measurementUnknown, "the caller's executable changed while it was measured") }
    }

    private static func identity(of file: OwnedDescriptor) throws(Refusal) -> cloister_file_identity {
        var identity = cloister_file_identity()
        guard unsafe cloister_file_identity(file.number, &identity) == 0 else {
            throw Refusal(.measurementUnknown, "the caller's executable cannot be looked at")
        }
        return identity
    }
}
