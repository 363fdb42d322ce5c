public import Encoding

/// One appraisal as a recording keeps it: what a policy could test, and how it decided. Nothing personal.
///
/// A recording is a file of such records, one JSON object on each line, oldest first:
/// `{"claims":{NAME:VALUE,…},"permitted":true,"time":UNIX SECONDS,"type":"SgxEnclave"}`. A value is a string, an
/// integer or a boolean; several claims of one name are an array of them. The attestation service writes it,
/// `cloister appraisal what-if` replays it against another policy.
public struct AppraisalRecord: Hashable, Sendable {
    /// When the service decided.
    public var time: Timestamp
    /// The attestation type, as in the service's routes: `SgxEnclave`, `SevSnpVm` …
    public var type: String
    /// The claims that the service offered to the policy, without the ones that `isRecorded` withholds.
    public private(set) var claims: [AppraisalClaim]
    /// Whether the policy of that time permitted the evidence.
    public var permitted: Bool

    /// Keeps of `claims` what may be recorded: claims of the service, under names that `isRecorded` knows.
    public init(time: Timestamp, type: String, claims: [AppraisalClaim], permitted: Bool) {
        self.time = time
        self.type = type
        self.permitted = permitted
        self.claims =
            claims
            .filter { $0.issuer == .attestationService && AppraisalRecord.isRecorded($0.type) }
            .sorted { $0.type.utf8.lexicographicallyPrecedes($1.type.utf8) }
    }

    /// The identity of the code that was appraised; nil for types that have none in one claim.
    public var measurement: String? {
        for name in ["x-ms-sgx-mrenclave", "x-ms-sevsnpvm-launchmeasurement", "tdx_mrtd"] {
            for claim in claims where claim.type == name {
                if case .string(let measurement) = claim.value { return measurement }
            }
        }
        return nil
    }

    /// The record as one line of a recording holds it; write `json.text` and a line feed.
    public var json: JSON {
        var members: [String: JSON] = [:]
        for (name, claims) in Dictionary(grouping: claims, by: \.type) {
            members[name] = claims.count == 1 ? claims.first?.value.json : .array(claims.map(\.value.json))
        }
        return [
            "time": .integer(time.seconds), "type": .string(type), "claims": .object(members),
            "permitted": .bool(permitted),
        ]
    }

    /// Reads what `json` wrote. Claims that no recording may hold are dropped.
    ///
    /// - Throws: `Refusal` with `policy-invalid`.
    public init(json: JSON) throws(Refusal) {
        var reader = try ObjectReader(json, "the record", refusing: .policyInvalid)
        let members = try reader.value("claims").object
        guard let members else { throw Refusal(.policyInvalid, "the record's claims are not an object") }
        var claims: [AppraisalClaim] = []
        for (name, json) in members {
            for json in json.array ?? [json] {
                guard let value = AppraisalClaim.Value(json) else {
                    throw Refusal(.policyInvalid, "the record has a claim that is no string, integer or boolean")
                }
                claims.append(AppraisalClaim(name, value))
            }
        }
        self.init(
            time: try reader.time("time"), type: try reader.string("type"), claims: claims,
            permitted: try reader.bool("permitted"))
        try reader.finish()
    }
}

extension AppraisalRecord {
    /// Whether a recording may hold claims of this name.
    ///
    /// Names are listed, so that a claim added later is not recorded until somebody decided that it may be. Never:
    /// what the attester chose to bind (nonce, runtime data, init-time data, report data), the policy's own hash, and
    /// what only tells one guest or one appraisal from another.
    public static func isRecorded(_ name: String) -> Bool {
        guard !withheld.contains(name) else { return false }
        return names.contains(name) || prefixes.contains { name.hasPrefix($0) }
    }

    private static let prefixes = ["x-ms-sgx-", "x-ms-sevsnpvm-", "x-ms-azurevm-", "tdx_"]

    private static let names: Set<String> = [
        "x-ms-ver", "ver", "x-ms-attestation-type", "tee", "$tee", "x-ms-compliance-status",
        "$is-debuggable", "$sgx-mrsigner", "$sgx-mrenclave", "$product-id", "$svn",
        "attester_tcb_status", "dbgstat", "eat_profile", "intuse", "secureboot",
        "x-cloister-grade", "x-cloister-tcb-status", "x-cloister-valid-until",
        // The TPM protocol.
        "aikValidated", "secureBootEnabled", "iommuEnabled", "bootDebuggingDisabled", "notSafeMode", "notWinPE",
        "vbsEnabled", "vbsReportPresent", "vsmReportPresent", "tpmVersion", "enclaveAuthorId", "enclaveImageId",
        "enclaveOwnerId", "enclaveFamilyId", "enclaveSvn", "enclavePlatformSvn", "enclaveFlags", "pcrs",
    ]

    private static let withheld: Set<String> = [
        "x-ms-sgx-report-data", "x-ms-sgx-ehd", "x-ms-sgx-collateral", "x-ms-sevsnpvm-reportdata",
        "x-ms-sevsnpvm-reportid", "x-ms-azurevm-vmid", "tdx_report_data",
    ]
}
