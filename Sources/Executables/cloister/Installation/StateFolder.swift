import Encoding
import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#endif

/// The folder that holds one installation of all parties on one machine (`formats.md` section 10).
///
/// Everything in it is readable by its owner alone, and it may be deleted as a whole.
struct StateFolder: Sendable {
    /// Absolute.
    let path: String

    subscript(_ relative: String) -> String { path + "/" + relative }

    func party(_ party: Party, _ relative: String) -> String { self["\(party.rawValue)/\(relative)"] }

    var endpoints: String { self["endpoints.json"] }
    var certificateAuthority: String { self["ca.pem"] }
    var administratorToken: String { self["admin-token"] }
    var isolatedSignerKey: String { self["attestation-isolated-key.pem"] }
    var isolatedSignerCertificate: String { self["attestation-isolated-cert.pem"] }
    var simulatedRoot: String { self["simulated-root.json"] }
    var simulatedSocket: String { self["run/simulated-tee"] }
    var enrolmentSecret: String { party(.hospital, "enrolment-secret") }

    /// Makes every folder with mode 0700, and makes files of this process and its children private.
    func prepare() throws(CommandFailure) {
        umask(0o077)
        try Files.makeFolder(path)
        var folders = ["run", "demo", "portal", "simulated/keys", "simulated/collateral", "simulated/log"]
        for party in Party.allCases {
            folders += ["config", "keys", "state", "log"].map { "\(party.rawValue)/\($0)" }
        }
        folders += ["platform/config/tenants", "platform/config/manifests", "platform/config/credentials"]
        folders += ["provider/config/manifests", "provider/config/credentials", "provider/state/key-service"]
        folders += ["hospital/state/attestation-service", "hospital/state/key-service"]
        for folder in folders { try Files.makeFolder(self[folder]) }
        makePrivate()
    }

    /// Takes every right from others, whoever made a file and with which mode.
    func makePrivate() {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
        for file in [path] + names.map({ self[$0] }) {
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: file),
                attributes[.type] as? FileAttributeType != .typeSymbolicLink,
                let mode = attributes[.posixPermissions] as? Int, mode & 0o077 != 0
            else { continue }
            unsafe _ = chmod(file, mode_t(mode & 0o700))
        }
    }

    /// Whether `up` has ever run here.
    var isInstalled: Bool { Files.exists(self["installation.json"]) }

    /// Refuses a folder that was never set up.
    func requireInstalled() throws(CommandFailure) {
        guard isInstalled else {
            throw .usage("\(path) holds no installation", advice: "start one with: cloister up --state \(path)")
        }
    }

    /// Refuses to work on one folder with two commands at a time. The lock ends with the process or the value.
    func lock() throws(CommandFailure) -> FolderLock {
        try FolderLock(path: self["run/lock"])
    }
}

/// An advisory lock that ends with its owner.
final class FolderLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws(CommandFailure) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandFailure("\(path) cannot be opened") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw CommandFailure(
                "another cloister command works on this state folder",
                advice: "wait for it, or stop the `cloister up` that runs in another terminal")
        }
    }

    deinit { close(descriptor) }
}

/// The parties of the demonstration; each has its own folder, keys and state.
enum Party: String, CaseIterable, Sendable {
    case hospital, platform, provider

    /// For people, on party cards.
    var title: String {
        switch self {
        case .hospital: "Demonstration hospital"
        case .platform: "Demonstration platform vendor"
        case .provider: "Demonstration diagnostic provider"
        }
    }
}
