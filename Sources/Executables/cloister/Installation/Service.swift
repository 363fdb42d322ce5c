/// The processes of one installation, under the names that `endpoints.json` and the pid files use.
enum Service: String, CaseIterable, Sendable {
    case simulatedTEE = "simulated-tee"
    case attestation
    case keys
    case providerKeys = "provider-keys"
    case diagnostics
    case platform
    case portal

    /// The program.
    var executable: String {
        switch self {
        case .simulatedTEE: "simulated-tee"
        case .attestation: "attestation-service"
        case .keys, .providerKeys: "key-service"
        case .diagnostics: "diagnostics"
        case .platform: "medical-platform"
        case .portal: "cloister"
        }
    }

    /// Who runs it; nil for the stand-in of the CPU.
    var party: Party? {
        switch self {
        case .simulatedTEE: nil
        case .attestation, .keys, .portal: .hospital
        case .providerKeys, .diagnostics: .provider
        case .platform: .platform
        }
    }

    /// Those that listen for HTTPS.
    static let servers: [Service] = [.attestation, .keys, .providerKeys, .diagnostics, .platform, .portal]

    /// The second instance of the attestation service's process.
    static let isolatedAttestation = "attestation-isolated"

    /// Everything that has a port and a URL.
    static var listeners: [String] { servers.map(\.rawValue) + [isolatedAttestation] }

    /// The name of its files inside its party's folders.
    var fileName: String { self == .portal ? "portal" : executable }

    /// For people.
    var title: String {
        switch self {
        case .simulatedTEE: "simulated TEE"
        case .attestation: "attestation service (hospital)"
        case .keys: "key service (hospital)"
        case .providerKeys: "key service (provider)"
        case .diagnostics: "diagnostics unit (provider)"
        case .platform: "medical platform unit (platform vendor)"
        case .portal: "portal (hospital, static files)"
        }
    }

    func log(in state: StateFolder) -> String {
        party.map { state.party($0, "log/\(fileName).log") } ?? state["simulated/log/simulated-tee.log"]
    }

    func configuration(in state: StateFolder) -> String? {
        switch self {
        case .simulatedTEE, .portal: nil
        case .attestation, .keys, .providerKeys, .diagnostics, .platform:
            party.map { state.party($0, "config/\(fileName).yaml") }
        }
    }

    func ready(in state: StateFolder) -> String { state["run/\(rawValue).ready"] }
}
