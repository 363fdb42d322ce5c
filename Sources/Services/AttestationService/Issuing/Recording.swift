package import AppraisalPolicy
import Encoding
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A file of appraisals for `cloister appraisal what-if`, one JSON object a line, with nothing personal in it.
///
/// It is no record of decisions, which is the audit log's part: where it cannot be written, or is full, appraisals go
/// on without it.
package final class Recording: Sendable {
    /// A recording ends here, in bytes.
    package static let maximumBytes = 1 << 30

    private let descriptor: Int32
    private let size: Mutex<Int>

    /// Opens or creates the file, mode 0600, and goes on at its end; nil when that is not possible.
    package init?(path: String) {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return nil }
        size = Mutex(max(0, lseek(descriptor, 0, SEEK_END)))
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends one appraisal, in one write, so that lines of several threads and processes stay whole.
    package func append(_ record: AppraisalRecord) {
        let line = record.json.canonical + [UInt8(ascii: "\n")]
        size.withLock { size in
            guard size + line.count <= Self.maximumBytes else { return }
            let written = unsafe line.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            size += max(0, written)
        }
    }
}
