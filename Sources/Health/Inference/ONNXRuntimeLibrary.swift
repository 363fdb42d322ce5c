import CONNXRuntime
import Crypto
public import Encoding
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The ONNX Runtime library of exactly one build, loaded into this process.
///
/// The file is copied into sealed memory first, that copy is hashed, and that copy is opened: between the check and the
/// use nobody can change it. The digest is part of this code, so a unit's measurement covers the library too.
///
/// - Source: architecture rule 12; `inference.md` sections 1 and 2.
@safe public final class ONNXRuntime: Sendable {
    /// Version of the library that belongs to `libraryDigest`.
    public static let version = "1.31.1"

    /// SHA-256 of the library file, lower-case hex.
    public static let libraryDigest = "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3"

    /// The library's name in release manifests and in the set-up's folder.
    public static let libraryName = "libonnxruntime.so.1.31.1"

    private static let maximumLibraryBytes: UInt64 = 256 * 1_048_576
    private static let apiVersion: UInt32 = 16

    // Set once, in `init`, and only read afterwards; the library is never closed, so they stay valid.
    nonisolated(unsafe) let table: cl_ort_table
    nonisolated(unsafe) let environment: UnsafeMutableRawPointer
    /// What says that bytes are in this machine's memory.
    nonisolated(unsafe) let memory: UnsafeMutableRawPointer
    /// Where all sessions have theirs.
    nonisolated(unsafe) let pool: UnsafeMutablePointer<cl_ort_allocator>

    /// One environment a process: a second one would start another set of logging threads.
    private static let shared = Mutex<ONNXRuntime?>(nil)

    /// Loads the library, or returns the one that this process has loaded.
    ///
    /// - Throws: `supply-chain` when the file is not the pinned library; `not-ready` when it cannot be read or opened.
    public static func load(library path: String) throws(Refusal) -> ONNXRuntime {
        let result = shared.withLock { shared -> Result<ONNXRuntime, Refusal> in
            if let shared { return .success(shared) }
            do throws(Refusal) {
                let runtime = try ONNXRuntime(library: path)
                shared = runtime
                return .success(runtime)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(library path: String) throws(Refusal) {
        let handle = unsafe try ONNXRuntime.openPinned(path)
        guard let version = unsafe cl_ort_version(handle), unsafe String(cString: version) == ONNXRuntime.version,
            let table = unsafe cl_ort_api(handle, ONNXRuntime.apiVersion)
        else { throw Refusal(.notReady, "the ONNX Runtime library does not offer the interface that is needed") }
        var environment: UnsafeMutableRawPointer?
        // Severity 4 (fatal): the library's own messages name parts of models and inputs.
        let code = unsafe cl_ort_take_code(table, cl_ort_create_env(table, 4, "cloister", &environment))
        var memory: UnsafeMutableRawPointer?
        guard code == 0, let environment = unsafe environment,
            unsafe cl_ort_take_code(table, cl_ort_create_memory_info(table, &memory)) == 0,
            let memory = unsafe memory, let pool = unsafe cl_ort_pool_create(memory),
            unsafe cl_ort_take_code(table, cl_ort_register_allocator(table, environment, pool)) == 0
        else { throw Refusal(.notReady, "ONNX Runtime could not start") }
        unsafe self.memory = memory
        unsafe self.pool = pool
        unsafe self.table = table
        unsafe self.environment = environment
    }

    /// Checks that a file is the pinned library, without loading it.
    ///
    /// - Throws: as `load`.
    public static func check(library path: String) throws(Refusal) {
        let copy = try sealedCopy(path)
        close(copy.descriptor)
    }

    private static func openPinned(_ path: String) throws(Refusal) -> UnsafeMutableRawPointer {
        let copy = try sealedCopy(path)
        defer { close(copy.descriptor) }
        guard let handle = unsafe cl_open_library(copy.descriptor) else {
            throw Refusal(.notReady, "the ONNX Runtime library could not be opened on this machine")
        }
        return unsafe handle
    }

    /// A sealed copy of the pinned library; any other content is refused.
    private static func sealedCopy(_ path: String) throws(Refusal) -> (descriptor: Int32, size: Int) {
        var size: UInt64 = 0
        let descriptor = unsafe cl_sealed_copy(path, maximumLibraryBytes, &size)
        guard descriptor >= 0 else { throw Refusal(.notReady, "the ONNX Runtime library could not be read") }
        guard let digest = digest(of: descriptor, size: Int(size)), Hex.encode(digest) == libraryDigest else {
            close(descriptor)
            throw Refusal(.supplyChain, "the ONNX Runtime library is not the pinned build \(version)")
        }
        return (descriptor, Int(size))
    }

    private static func digest(of descriptor: Int32, size: Int) -> [UInt8]? {
        let mapped = unsafe mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else { return nil }
        defer { unsafe munmap(mapped, size) }
        var hash = SHA256()
        unsafe hash.update(bufferPointer: UnsafeRawBufferPointer(start: mapped, count: size))
        return Array(hash.finalize())
    }
}

extension RefusalCode {
    /// Something that the measured code was built to use is not what it was built for.
    public static let supplyChain = RefusalCode("supply-chain", status: 503)
}
