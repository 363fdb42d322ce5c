import Encoding
import Evidence

/// The claims of a token about an Azure confidential VM (attestation API reference, section 9.5).
struct GuestClaims {
    let members: [String: JSON]

    /// - Parameters:
    ///   - verdict: of the whole evidence, accepted.
    ///   - hardware: the attestation type that the hardware has by itself, and its compliance status.
    ///   - key: what the token is sealed for.
    init(
        _ guest: GuestAttestation, verdict: Verdict, report: HCLReport, state: TPMState,
        hardware: (type: AttestationType, status: JSON?), key: TPMEncryptionKey
    ) {
        var tee = verdict.claims.filter { !$0.key.hasPrefix("x-cloister-") }
        tee["x-ms-attestation-type"] = .string(hardware.type.claim)
        tee["x-ms-runtime"] = report.runtimeData.json
        tee["x-ms-compliance-status"] = hardware.status
        var members = verdict.claims.filter { $0.key.hasPrefix("x-cloister-") }
        members["x-ms-isolation-tee"] = .object(tee)
        members["x-ms-runtime"] = Self.runtime(guest, key)
        func set(_ name: String, _ value: JSON) { members["x-ms-azurevm-" + name] = value }

        let quoted = Set(state.pcrs.keys.filter { $0.bank == .sha256 }.map(\.index))
        set("attestation-protocol-ver", .string(guest.protocolVersion))
        set("attested-pcrs", .array(quoted.sorted().map { .integer(Int64($0)) }))
        set("ostype", .string(guest.system.type))
        set("osdistro", .string(guest.system.distribution))
        set("osbuild", .string(guest.system.build))
        set("osversion-major", .integer(guest.system.majorVersion))
        set("osversion-minor", .integer(guest.system.minorVersion))
        let isWindows = guest.system.type.lowercased() == "windows"
        set("is-windows", .bool(isWindows))
        set("vmid", report.runtimeData.configuration["vmUniqueId"] ?? "")

        let boot = MeasuredBoot(state.events)
        members["secureboot"] = .bool(boot.isSecure)
        set("default-securebootkeysvalidated", .bool(boot.hasVariables(["PK", "KEK"])))
        set("dbvalidated", .bool(boot.hasVariables(["db"])))
        set("dbxvalidated", .bool(boot.hasVariables(["dbx"])))
        set("bootdebug-enabled", .bool(boot.isOn(.bootDebugging)))
        set("kerneldebug-enabled", .bool(boot.isOn(.kernelDebugging)))
        set("hypervisordebug-enabled", .bool(boot.isOn(.hypervisorDebugging)))
        set("testsigning-enabled", .bool(boot.isOn(.testSigning)))
        set("flightsigning-enabled", .bool(boot.isOn(.flightSigning)))
        set("elam-enabled", .bool(boot.names(.earlyLaunchProtection)))
        set("hvci-policy", .integer(boot.integer(.codeIntegrityPolicy)))
        // Windows measures these; a log without any of them says nothing about a Windows guest.
        let isKnown = boot.isConfirmed && (!isWindows || boot.hasSystemEvents)
        let debuggers: [MeasuredBoot.SystemEvent] = [.bootDebugging, .kernelDebugging, .hypervisorDebugging]
        set("debuggersdisabled", .bool(isKnown && !debuggers.contains(where: boot.isOn)))
        set("signingdisabled", .bool(isKnown && !boot.isOn(.testSigning) && !boot.isOn(.flightSigning)))
        self.members = members
    }

    private static func runtime(_ guest: GuestAttestation, _ key: TPMEncryptionKey) -> JSON {
        var runtime: [String: JSON] = [
            "keys": [
                [
                    "kid": "TpmEphemeralEncryptionKey", "key_ops": ["encrypt"], "kty": "RSA",
                    "e": .string(Base64.encodeURL(key.exponent)), "n": .string(Base64.encodeURL(key.modulus)),
                ]
            ]
        ]
        if !guest.clientPayload.isEmpty { runtime["client-payload"] = .object(guest.clientPayload) }
        return .object(runtime)
    }
}
