package import Telemetry

#if canImport(Glibc)
    import Glibc
#endif

/// The documented log levels; ours are fewer, so that several of them mean the same.
package enum LogThreshold: Int, Sendable {
    case info
    case warning
    case error

    package init?(name: String) {
        switch name {
        case "trace", "debug", "info": self = .info
        case "warning", "": self = .warning
        case "error", "fatal", "panic": self = .error
        default: return nil
        }
    }

    /// A log of what reaches this level.
    ///
    /// - Parameter file: gets the lines at its end; nil for standard error.
    package func log(file: String?) -> Log {
        let path = file ?? ""
        let descriptor = path.isEmpty ? 2 : unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let least = self
        return Log(service: "key-release-sidecar") { line in
            guard least.admits(line) else { return }
            let bytes = Array((line + "\n").utf8)
            unsafe _ = bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    /// The level stands in a fixed place of each line.
    private func admits(_ line: String) -> Bool {
        switch self {
        case .info: true
        case .warning: !line.contains("\"level\":\"info\"")
        case .error: line.contains("\"level\":\"error\"")
        }
    }
}
