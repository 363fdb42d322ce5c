#if canImport(Glibc)
    import Glibc
#endif

/// Why a call on an attestation file failed: the system's error number.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    public var number: Int32

    public init(_ number: Int32) {
        self.number = number
    }

    public var description: String { "system error \(number)" }

    static let busy = SystemError(EBUSY)
    static let again = SystemError(EAGAIN)
}

/// The five file operations by which a kernel or a library operating system offers evidence.
///
/// Behind closures, so that tests can stand in for a tree of files that reacts to what is written into it.
public struct AttestationFiles: Sendable {
    /// The bytes of the file at a path.
    public var read: @Sendable (_ path: String) throws(SystemError) -> [UInt8]
    /// Writes all bytes in one call, as these interfaces require.
    public var write: @Sendable (_ path: String, _ bytes: [UInt8]) throws(SystemError) -> Void
    public var makeFolder: @Sendable (_ path: String) throws(SystemError) -> Void
    public var removeFolder: @Sendable (_ path: String) throws(SystemError) -> Void
    public var exists: @Sendable (_ path: String) -> Bool

    public init(
        read: @escaping @Sendable (_ path: String) throws(SystemError) -> [UInt8],
        write: @escaping @Sendable (_ path: String, _ bytes: [UInt8]) throws(SystemError) -> Void,
        makeFolder: @escaping @Sendable (_ path: String) throws(SystemError) -> Void,
        removeFolder: @escaping @Sendable (_ path: String) throws(SystemError) -> Void,
        exists: @escaping @Sendable (_ path: String) -> Bool
    ) {
        self.read = read
        self.write = write
        self.makeFolder = makeFolder
        self.removeFolder = removeFolder
        self.exists = exists
    }

    /// This machine's files.
    public static let system = rooted(at: "")

    /// Files below `root`; absolute paths are taken relative to it.
    public static func rooted(at root: String) -> AttestationFiles {
        AttestationFiles(
            read: { (path) throws(SystemError) in try readFile(root + path) },
            write: { (path, bytes) throws(SystemError) in try writeFile(root + path, bytes) },
            makeFolder: { (path) throws(SystemError) in
                guard unsafe mkdir(root + path, 0o700) == 0 else { throw SystemError(errno) }
            },
            removeFolder: { (path) throws(SystemError) in
                guard unsafe rmdir(root + path) == 0 else { throw SystemError(errno) }
            },
            exists: { path in unsafe access(root + path, F_OK) == 0 })
    }

    /// Greatest length of a file that is read: quotes, reports and certificate tables are far below it.
    private static let maximumBytes = 1 << 20

    private static func readFile(_ path: String) throws(SystemError) -> [UInt8] {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw SystemError(errno) }
        let file = OwnedDescriptor(number)
        var content: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe part.withUnsafeMutableBytes { unsafe Glibc.read(file.number, $0.baseAddress, $0.count) }
            if count == 0 { return content }
            guard count > 0 else { throw SystemError(errno) }
            content += part.prefix(count)
            guard content.count <= maximumBytes else { throw SystemError(EFBIG) }
        }
    }

    private static func writeFile(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        let number = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard number >= 0 else { throw SystemError(errno) }
        let file = OwnedDescriptor(number)
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file.number, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw SystemError(count < 0 ? errno : EIO) }
    }
}
