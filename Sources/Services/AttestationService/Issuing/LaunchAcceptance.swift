package import Encoding
import Evidence

/// Which launches this service calls compliant: the acceptance list behind `x-ms-compliance-status`.
///
/// Evidence that matches no entry is not refused for it; its token just has no such claim, and policies and relying
/// parties see that. The operator writes the list, since the identities that Azure accepts are not published.
///
/// - Source: attestation API reference, sections 7.4 and 9.3.
package struct LaunchAcceptance: Sendable {
    /// Claims that a launch must have, each with one of the values.
    private struct Launch: Sendable {
        let claims: [String: Set<String>]

        func matches(_ claims: [String: JSON]) -> Bool {
            self.claims.allSatisfy { name, values in claims[name]?.string.map(values.contains) ?? false }
        }
    }

    /// Who may vouch for utility VMs.
    private struct Endorser: Sendable {
        let issuer: String
        let feed: String
        let minimumSecurityVersion: Int64
    }

    private var snp: [Launch] = []
    private var tdx: [Launch] = []
    private var endorsers: [Endorser] = []

    /// Longest file that is read, in bytes.
    package static let maximumBytes = 1_048_576
    private static let virtualMachine = JSON.string("azure-compliant-cvm")
    private static let utilityVM = JSON.string("azure-compliant-uvm")

    /// No launch is called compliant.
    package static let none = LaunchAcceptance()

    private init() {}

    /// Reads `{"format":"cloister-launch-acceptance/1","snp":[{CLAIM:[HEX…]…}…],"tdx":[…],
    /// "uvm":[{"issuer","feed","minimumSecurityVersion"}…]}`, where a claim's name is that of the token.
    ///
    /// - Throws: `insecure-configuration` for anything else, also for a launch without any claim, which would be every one.
    package init(json bytes: [UInt8]) throws(Refusal) {
        let code = RefusalCode.insecureConfiguration
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(code, "launch acceptance list: \(error)")
        }
        var members = try ObjectReader(json, "launch acceptance list", refusing: code)
        try members.format("cloister-launch-acceptance/1")
        for value in members.has("snp") ? try members.array("snp") : [] {
            snp.append(try Self.launch(value, prefix: "x-ms-sevsnpvm-"))
        }
        for value in members.has("tdx") ? try members.array("tdx") : [] {
            tdx.append(try Self.launch(value, prefix: "tdx_"))
        }
        for value in members.has("uvm") ? try members.array("uvm") : [] {
            var reader = try ObjectReader(value, "uvm", refusing: code)
            endorsers.append(
                Endorser(
                    issuer: try reader.string("issuer"), feed: try reader.string("feed"),
                    minimumSecurityVersion: try reader.integer("minimumSecurityVersion")))
            try reader.finish()
        }
        try members.finish()
    }

    private static func launch(_ json: JSON, prefix: String) throws(Refusal) -> Launch {
        guard let object = json.object, !object.isEmpty else {
            throw Refusal(.insecureConfiguration, "launch acceptance list: an entry is an object with claims")
        }
        var claims: [String: Set<String>] = [:]
        for (name, values) in object {
            guard name.hasPrefix(prefix), let list = values.strings, !list.isEmpty else {
                throw Refusal(
                    .insecureConfiguration,
                    "launch acceptance list: \(name.prefix(60)) is no claim \(prefix)… with values")
            }
            claims[name] = Set(list)
        }
        return Launch(claims: claims)
    }

    // MARK: Judging

    /// The claim about a TD; nil for none.
    func status(tdx claims: [String: JSON]) -> JSON? {
        tdx.contains { $0.matches(claims) } ? Self.virtualMachine : nil
    }

    /// The claim about an SNP guest; nil for none.
    ///
    /// An endorsement by somebody who is not on the list says nothing. One by somebody who is must hold: whoever sends a
    /// broken one is not answered as if it had not been sent.
    ///
    /// - Parameters:
    ///   - time: now; what an endorsement is judged at that does not say when it was signed.
    ///   - distrusted: marks of certificates that no longer endorse.
    /// - Returns: the claim, and the marks of the endorsement that it rests on.
    /// - Throws: `evidence-malformed`, `evidence-chain` or `evidence-signature` for an endorsement that does not verify,
    ///   `config-mismatch` for one of another launch, `svn-too-low`, `certificate-revoked`.
    func status(
        snp claims: [String: JSON], endorsements: [[UInt8]] = [], at time: Timestamp,
        distrusted: Set<EvidenceMark> = []
    ) throws(Refusal) -> (claim: JSON?, marks: [EvidenceMark]) {
        if !endorsers.isEmpty {
            for message in endorsements {
                let endorsement = try UVMEndorsement(cose: message, at: time)
                let listed = endorsers.first { $0.issuer == endorsement.issuer && $0.feed == endorsement.feed }
                guard let listed else { continue }
                if let mark = endorsement.marks.first(where: distrusted.contains) {
                    throw Refusal(mark.code, "\(mark) of the endorsement is distrusted")
                }
                guard claims["x-ms-sevsnpvm-launchmeasurement"]?.string == Hex.encode(endorsement.launchMeasurement)
                else { throw Refusal(.configMismatch, "the endorsement is for another launch measurement") }
                guard endorsement.securityVersion >= listed.minimumSecurityVersion else {
                    throw Refusal(
                        .svnTooLow,
                        "the endorsed utility VM has security version \(endorsement.securityVersion), below "
                            + "\(listed.minimumSecurityVersion)")
                }
                return (Self.utilityVM, endorsement.marks)
            }
        }
        // Below the highest privilege any program in the guest can ask for a report.
        guard claims["x-ms-sevsnpvm-vmpl"] == 0 else { return (nil, []) }
        return (snp.contains { $0.matches(claims) } ? Self.virtualMachine : nil, [])
    }
}
