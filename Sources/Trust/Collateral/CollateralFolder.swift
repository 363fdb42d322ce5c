public import Encoding
public import Evidence
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Collateral from files that somebody keeps up to date, such as `simulated-tee`:
/// `sgx/<fmspc in lower-case hex>.json`, the same under `tdx` (formats section 8), and `snp/<product>-crl.der`.
///
/// Files are looked at each time, so that a refreshed one counts at once; they are read anew when they have changed.
public struct CollateralFolder: CollateralSource {
    /// Longest file that is read, in bytes; real collateral has about 25 KiB.
    public static let maximumBytes = 1_048_576

    private let folder: String
    private let known = Known()

    public init(path: String) {
        folder = path
    }

    /// What was in each file, and which state of the file that was.
    private final class Known: Sendable {
        /// Most files that are remembered; then all are read anew.
        private static let maximum = 256
        private let files = Mutex<[String: (state: FileState, collateral: DCAPCollateral)]>([:])

        func collateral(_ name: String, _ state: FileState) -> DCAPCollateral? {
            guard let file = files.withLock({ $0[name] }), file.state == state else { return nil }
            return file.collateral
        }

        func keep(_ name: String, _ state: FileState, _ collateral: DCAPCollateral) {
            files.withLock { files in
                if files.count >= Known.maximum { files = [:] }
                files[name] = (state, collateral)
            }
        }
    }

    public func dcap(
        tee: TEE, fmspc: [UInt8], ca: String, at time: Timestamp
    ) async throws(Refusal) -> DCAPCollateral {
        guard tee == .sgx || tee == .tdx, fmspc.count == 6 else {
            throw Refusal(.collateralInvalid, "collateral is kept for SGX and TDX, by FMSPCs of six bytes")
        }
        let name = Hex.encode(fmspc)
        let file = "\(tee.rawValue)/\(name).json"
        // Looked at before it is read: should it be replaced in between, the next call reads it anew.
        let state = FileState(path: folder + "/" + file)
        if let state, let collateral = known.collateral(file, state) { return collateral }
        guard let bytes = try read(file) else {
            throw Refusal(.collateralInvalid, "there is no \(tee.rawValue) collateral for FMSPC \(name)")
        }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.collateralInvalid, "collateral for FMSPC \(name): \(error)")
        }
        do throws(Refusal) {
            let collateral = try DCAPCollateral(json: json)
            if let state { known.keep(file, state, collateral) }
            return collateral
        } catch {
            throw Refusal(.collateralInvalid, error.detail)
        }
    }

    /// Folders have no endorsement certificates: those come with the evidence.
    public func snp(
        product: SNPProduct, chipID: [UInt8], tcb: SNPTCBVersion, at time: Timestamp
    ) async throws(Refusal) -> SNPCollateral {
        throw Refusal(.collateralInvalid, "there are no VCEKs beside the evidence here")
    }

    public func snpCRL(
        product: String, kind: EndorsementKeyKind, at time: Timestamp
    ) async throws(Refusal) -> [UInt8]? {
        // The name becomes part of a path, and evidence chose it.
        guard (1...16).contains(product.utf8.count), product.utf8.allSatisfy(CollateralFolder.isLetterOrDigit) else {
            throw Refusal(.collateralInvalid, "the product line has no name that collateral could have")
        }
        if kind == .vlek, let list = try read("snp/\(product)-vlek-crl.der") { return list }
        return try read("snp/\(product)-crl.der")
    }

    /// The file's bytes; nil when it is not there.
    private func read(_ relative: String) throws(Refusal) -> [UInt8]? {
        let failure = Refusal(.collateralInvalid, "a collateral file cannot be read or is too large")
        let descriptor = unsafe open(folder + "/" + relative, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0, bytes.count + count <= CollateralFolder.maximumBytes else { throw failure }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

/// What tells a file from the one that was there before: which it is, its size, and when it was written or changed.
private struct FileState: Equatable {
    private let numbers: [Int]

    /// Nil when there is no such file.
    init?(path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        numbers = [
            Int(status.st_dev), Int(bitPattern: UInt(status.st_ino)), Int(status.st_size), status.st_mtim.tv_sec,
            status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
        ]
    }
}
