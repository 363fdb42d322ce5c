#if canImport(Glibc)
    package import Glibc
#endif

/// Files that are either the old or the new content, never a part of it.
package enum AtomicFile {
    /// Why a file could not be read or written; `code` is `errno`.
    package struct Failure: Error, CustomStringConvertible {
        package var operation: String
        package var code: Int32
        package var description: String { unsafe "\(operation): \(String(cString: strerror(code)))" }
    }

    /// Writes a neighbour, syncs it, and renames it over `path`; then syncs the folder.
    ///
    /// - Parameter mode: permission bits of the file, from its creation on.
    package static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(Failure) {
        let temporary = path + ".new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw Failure(operation: "create a file", code: errno) }
        var offset = 0
        while offset < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { whole in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: whole[offset...])
                return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            guard written > 0 else {
                let code = errno
                close(descriptor)
                throw Failure(operation: "write a file", code: code)
            }
            offset += written
        }
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else {
            let code = errno
            close(descriptor)
            throw Failure(operation: "sync a file", code: code)
        }
        close(descriptor)
        guard unsafe rename(temporary, path) == 0 else { throw Failure(operation: "rename a file", code: errno) }
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let folderDescriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folderDescriptor >= 0 {
            fsync(folderDescriptor)
            close(folderDescriptor)
        }
    }

    /// The whole of a regular file of at most `maximumBytes`.
    package static func read(_ path: String, maximumBytes: Int) throws(Failure) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(operation: "open a file", code: errno) }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw Failure(operation: "measure a file", code: errno)
        }
        guard size <= maximumBytes else { throw Failure(operation: "read a large file", code: EFBIG) }
        var filled = 0
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while filled < buffer.count, filled < size {
                let rest = unsafe UnsafeMutableBufferPointer(rebasing: buffer[filled...])
                let got = unsafe Glibc.read(descriptor, rest.baseAddress, rest.count)
                if got < 0 { failure = errno }
                if got <= 0 { break }
                filled += got
            }
            count = filled
        }
        guard failure == 0 else { throw Failure(operation: "read a file", code: failure) }
        return bytes
    }
}
