public import Encoding
public import Evidence

/// What this process can prove about itself, and how.
public enum Environment {
    /// The source of `tee` evidence here.
    ///
    /// An explicit simulator comes first; without one only the machine itself is asked, and nothing falls back to a
    /// simulation.
    ///
    /// - Parameters:
    ///   - files: the file system to look in.
    ///   - simulatedSocket: path of the simulator's socket, where one was configured.
    ///   - party: id of the party that runs this process; only a simulator is told it.
    ///   - tee: the kind of evidence wanted.
    /// - Returns: nil when this machine has no such source.
    public static func detect(
        files: AttestationFiles = .system, simulatedSocket: String?, party: Digest, tee: TEE
    ) -> (any EvidenceSource)? {
        if let simulatedSocket { return SimulatedSource(socket: simulatedSocket, party: party, tee: tee) }
        switch tee {
        case .sgx:
            return GramineSource.isAvailable(files: files) ? GramineSource(files: files) : nil
        case .snp, .tdx:
            if ConfigFSSource.provider(files: files) == tee { return ConfigFSSource(tee: tee, files: files) }
            return tee == .snp ? SNPDeviceSource.driver(files: files).map(SNPDeviceSource.init) : nil
        case .hcl:
            return files.exists(TPMDevice.path) && AzureVMSource.isAvailable() ? AzureVMSource() : nil
        case .tpm, .nitro, .nvidia:
            return nil
        }
    }

    /// `detect` in a tree of files below `root`.
    public static func detect(
        root: String, simulatedSocket: String?, party: Digest, tee: TEE
    ) -> (any EvidenceSource)? {
        detect(files: .rooted(at: root), simulatedSocket: simulatedSocket, party: party, tee: tee)
    }

    /// One way to make evidence, and whether it works here.
    public struct Finding: Hashable, Sendable {
        public var name: String
        public var available: Bool
        /// One sentence for a person.
        public var reason: String
    }

    /// Every way that Cloister knows, for `cloister doctor`.
    public static func survey(files: AttestationFiles = .system, simulatedSocket: String?) -> [Finding] {
        [configFS(files), snpDevice(files), gramine(files), simulated(simulatedSocket)]
    }

    private static func snpDevice(_ files: AttestationFiles) -> Finding {
        guard let driver = SNPDeviceSource.driver(files: files) else {
            return Finding(name: "snp-device", available: false, reason: "there is no device of a SEV-SNP guest")
        }
        return Finding(name: "snp-device", available: true, reason: "\(driver.path) makes SEV-SNP reports")
    }

    private static func configFS(_ files: AttestationFiles) -> Finding {
        func finding(_ available: Bool, _ reason: String) -> Finding {
            Finding(name: "configfs-tsm", available: available, reason: reason)
        }
        if files.exists(ConfigFSSource.folder) {
            switch ConfigFSSource.provider(files: files) {
            case .snp: return finding(true, "the kernel makes SEV-SNP reports")
            case .tdx: return finding(true, "the kernel makes TDX quotes")
            default: return finding(false, "the kernel has the interface, but no SEV-SNP or TDX provider for this user")
            }
        }
        if files.exists("/dev/tdx_guest") {
            return finding(false, "/dev/tdx_guest is there, but configfs-tsm is not: Linux 6.7 or later is needed")
        }
        return finding(false, "not a SEV-SNP or TDX guest with Linux 6.7 or later")
    }

    private static func gramine(_ files: AttestationFiles) -> Finding {
        switch GramineSource.attestationType(files) {
        case "dcap": Finding(name: "gramine", available: true, reason: "Gramine makes SGX quotes for this process")
        case .some: Finding(name: "gramine", available: false, reason: "Gramine runs without remote attestation")
        case nil: Finding(name: "gramine", available: false, reason: "this process does not run in a Gramine enclave")
        }
    }

    private static func simulated(_ socket: String?) -> Finding {
        guard let socket else {
            return Finding(name: "simulated", available: false, reason: "no simulated TEE is configured")
        }
        do throws(Refusal) {
            _ = try SeqPacketConnection(path: socket, timeoutMilliseconds: 2_000)
            return Finding(
                name: "simulated", available: true, reason: "a simulated TEE answers; it protects nothing")
        } catch {
            return Finding(name: "simulated", available: false, reason: "no simulated TEE answers on its socket")
        }
    }
}
