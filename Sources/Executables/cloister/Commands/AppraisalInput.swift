import AppraisalPolicy
import Encoding

/// The files that `cloister appraisal` reads.
enum AppraisalInput {
    static func text(_ path: String) throws(CommandFailure) -> String {
        let bytes = try Files.readArgument(path, maximumBytes: AppraisalPolicy.maximumBytes)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .usage("\(path) is not UTF-8 text")
        }
        return text
    }

    /// A policy that must parse.
    static func policy(_ path: String) throws(CommandFailure) -> AppraisalPolicy {
        let text = try text(path)
        do throws(PolicyError) { return try AppraisalPolicy(parsing: text) } catch {
            throw .usage("\(path): \(error)", advice: "`cloister appraisal check \(path)` shows the place")
        }
    }

    /// One object with a member for each claim, as it is or under `claims`; or a list of
    /// `{"type":…,"value":…,"issuer":…}`, for claims that do not come from the service.
    static func claims(_ path: String) throws(CommandFailure) -> [AppraisalClaim] {
        let bytes = try Files.readArgument(path, maximumBytes: 16 << 20)
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw .usage("\(path) is not JSON: \(error)")
        }
        if let members = json["claims"]?.object ?? json.object { return AppraisalClaim.offered(for: members) }
        guard let list = json.array else { throw .usage("\(path) is not an object of claims") }
        var claims: [AppraisalClaim] = []
        for item in list {
            let issuer = AppraisalClaim.Issuer(rawValue: item["issuer"]?.string ?? "AttestationService")
            guard let type = item["type"]?.string, let value = item["value"].flatMap(AppraisalClaim.Value.init),
                let issuer
            else { throw .usage("\(path): each claim has type, value and, where it is not the service, issuer") }
            claims.append(AppraisalClaim(type, value, issuer: issuer))
        }
        return claims
    }

    /// Every appraisal of a recording. A last line that was cut off while the service wrote it is left out.
    static func recording(_ path: String) throws(CommandFailure) -> [AppraisalRecord] {
        let bytes = try Files.readArgument(path, maximumBytes: 256 << 20)
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let rest = lines.removeLast()
        var records: [AppraisalRecord] = []
        for (index, line) in lines.enumerated() {
            do { records.append(try AppraisalRecord(json: JSON.parse(line))) } catch {
                throw .usage("\(path), line \(index + 1) is no recorded appraisal: \(error)")
            }
        }
        if let record = try? AppraisalRecord(json: JSON.parse(rest)) { records.append(record) }
        return records
    }
}
