public import Encoding
import Evidence

/// Makes the release policy of a key from a manifest: who vouches, which measurement, whose unit
/// (`formats.md` section 6, `key-api.md` section 8.1).
public enum ReleasePolicy {
    /// One `anyOf` entry for each measurement that the key's owner may release to.
    ///
    /// - Parameters:
    ///   - authority: issuer URL of the attestation service that the owner pins.
    ///   - party: who runs the unit.
    ///   - allowSimulated: whether the owner's policy accepts simulated evidence of that issuer.
    /// - Throws: `policy-invalid` when no measurement is left, since a policy without conditions protects nothing.
    public static func json(
        for manifest: ReleaseManifest, authority: String, party: Digest, allowSimulated: Bool
    ) throws(Refusal) -> JSON {
        var entries: [JSON] = []
        for measurement in manifest.measurements where allowSimulated || measurement.grade == .hardware {
            guard let instance = instanceTests(tee: measurement.tee, party: party) else { continue }
            var tests: [JSON] = []
            for (claim, value) in measurement.claims.sorted(by: { $0.key < $1.key }) {
                tests.append(try equals(claim, value))
            }
            tests += instance
            tests.append(test("x-ms-runtime.role", .string(manifest.unit)))
            tests.append(test("x-cloister-grade", .string(measurement.grade.rawValue)))
            entries.append(["authority": .string(authority), "allOf": .array(tests)])
        }
        guard !entries.isEmpty else {
            throw Refusal(.policyInvalid, "the manifest has no measurement that the key may be released to")
        }
        return ["version": "1.0.0", "anyOf": .array(entries)]
    }

    /// The host data, and that it cannot be debugged; nil for a TEE that no unit runs in yet.
    private static func instanceTests(tee: TEE, party: Digest) -> [JSON]? {
        switch tee {
        case .sgx:
            [
                test("x-ms-sgx-config-id", .string(party.hex + String(repeating: "0", count: 64))),
                test("x-ms-sgx-is-debuggable", "false"),
            ]
        case .snp:
            [
                test("x-ms-sevsnpvm-hostdata", .string(party.hex)),
                test("x-ms-sevsnpvm-is-debuggable", "false"),
            ]
        case .tdx, .hcl, .tpm, .nitro, .nvidia: nil
        }
    }

    private static func test(_ claim: String, _ value: JSON) -> JSON { ["claim": .string(claim), "equals": value] }

    /// The grammar has strings and numbers; truth values are written as text.
    private static func equals(_ claim: String, _ value: JSON) throws(Refusal) -> JSON {
        switch value {
        case .string, .integer: return test(claim, value)
        case .bool(let truth): return test(claim, .string(truth ? "true" : "false"))
        case .null, .number, .array, .object:
            throw Refusal(.policyInvalid, "claim \(claim) has a value that a release policy cannot compare")
        }
    }
}
