import Encoding
import FoundationEssentials
import Inference

#if canImport(Glibc)
    import Glibc
#endif

/// What `cloister doctor` finds.
struct Examination {
    enum Group: String, CaseIterable {
        case evidence, programs, system

        var title: String {
            switch self {
            case .evidence: "Evidence of hardware"
            case .programs: "Programs and files"
            case .system: "System"
            }
        }
    }

    struct Finding {
        var group: Group
        var name: String
        var isGood: Bool
        /// Whether `cloister up` needs it.
        var isNeeded: Bool
        var detail: String

        var json: JSON {
            [
                "group": .string(group.rawValue), "name": .string(name), "ok": .bool(isGood),
                "needed": .bool(isNeeded), "detail": .string(detail),
            ]
        }
    }

    private(set) var findings: [Finding] = []

    var canRun: Bool { findings.allSatisfy { $0.isGood || !$0.isNeeded } }

    mutating func note(_ group: Group, _ name: String, _ isGood: Bool, _ detail: String, needed: Bool = false) {
        findings.append(Finding(group: group, name: name, isGood: isGood, isNeeded: needed, detail: detail))
    }

    // MARK: Hardware

    mutating func lookForHardware() {
        for (device, what) in [
            ("/dev/sev-guest", "this is an SEV-SNP guest"), ("/dev/tdx_guest", "this is a TDX guest"),
            ("/dev/sgx_enclave", "SGX enclaves can be started"), ("/dev/tpmrm0", "there is a TPM"),
        ] {
            let exists = Files.exists(device)
            note(.evidence, device, exists, exists ? what : "not there")
        }
        let flags = Set(
            ((try? Examination.text("/proc/cpuinfo")) ?? "").split(whereSeparator: \.isNewline)
                .first { $0.hasPrefix("flags") }?.split(separator: " ").map(String.init) ?? [])
        let known = ["sgx", "sev_snp", "sev", "tdx_guest"].filter(flags.contains)
        note(
            .evidence, "processor", !known.isEmpty,
            known.isEmpty ? "names neither SGX, SEV nor TDX" : "names \(known.joined(separator: ", "))")
    }

    // MARK: Programs

    mutating func lookForPrograms(_ resources: Resources?) {
        guard let resources else {
            note(
                .programs, "project", false,
                "the folder with Portal, Models and Samples was not found; name it with --project",
                needed: true)
            return
        }
        let missing = Set(Service.allCases.filter { $0 != .portal }.map(\.executable)).filter {
            (try? resources.executable($0)) == nil
        }.sorted()
        note(
            .programs, "services", missing.isEmpty,
            missing.isEmpty
                ? "all in \(resources.executables)"
                : "\(missing.joined(separator: ", ")) not in \(resources.executables)",
            needed: true)
        note(.programs, "model", Files.exists(resources.model), "the demonstration model", needed: true)
        lookForRuntime(resources)
        let chromium = Examination.program(["chromium", "chromium-browser", "google-chrome"])
        note(.programs, "chromium", chromium != nil, chromium ?? "not found; only the browser tests need it")
    }

    private mutating func lookForRuntime(_ resources: Resources) {
        guard let library = resources.onnxRuntime else {
            note(
                .programs, "ONNX Runtime", false, "not found; `make setup` fetches it, --onnxruntime names it",
                needed: true)
            return
        }
        do throws(Refusal) {
            try ONNXRuntime.check(library: library)
            note(.programs, "ONNX Runtime", true, "\(ONNXRuntime.version), its SHA-256 is the pinned one", needed: true)
        } catch {
            note(.programs, "ONNX Runtime", false, error.detail, needed: true)
        }
    }

    private static func program(_ names: [String]) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        for name in names {
            for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
                return "\(folder)/\(name)"
            }
        }
        return nil
    }

    // MARK: System

    mutating func lookAtSystem() {
        let port = try? Ports.free(1).first
        note(
            .system, "ports", port != nil, port == nil ? "no port of 127.0.0.1 can be had" : "free ports on 127.0.0.1",
            needed: true)
        let entropy = Examination.number("/proc/sys/kernel/random/entropy_avail") ?? 0
        note(.system, "entropy", entropy >= 128, "\(entropy) bits in the kernel's pool", needed: true)
        var limit = rlimit()
        unsafe _ = getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        note(
            .system, "core dumps", limit.rlim_cur == 0,
            limit.rlim_cur == 0 ? "off" : "allowed to this shell; services switch them off for themselves")
        unsafe _ = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        note(.system, "open files", limit.rlim_cur >= 1_024, "\(limit.rlim_cur) at once", needed: true)
        let available = Examination.memoryAvailable()
        note(.system, "memory", available >= 1_024, "\(available) MiB available; the demonstration needs about 1,024")
        note(.system, "processors", true, "\(sysconf(Int32(_SC_NPROCESSORS_ONLN))) in use")
        let now = WallClock.system.now()
        let isPlausible = Timestamp(year: 2026, month: 1, day: 1).map { now > $0 } ?? false
        note(.system, "clock", isPlausible, "\(now); tokens and certificates depend on it", needed: true)
    }

    private static func text(_ path: String) throws(CommandFailure) -> String {
        // Files of /proc have no size, so they are read until they end.
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("\(path) cannot be read")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private static func number(_ path: String) -> Int? {
        (try? text(path)).flatMap { Int($0.prefix { $0.isNumber }) }
    }

    /// Mebibytes.
    private static func memoryAvailable() -> Int {
        let line = ((try? text("/proc/meminfo")) ?? "").split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix("MemAvailable") }
        let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return kibibytes / 1_024
    }
}
