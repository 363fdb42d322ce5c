package import Encoding

/// A JSON document of Intel's as it will be made and signed.
package struct SignedDocument: Sendable {
    package var members: [String: JSON]
    /// The TCB signing key.
    package var signer: SigningKey
    /// Changes the text before it is signed.
    package var rewrite: (@Sendable (String) -> String)?
    /// Changes text or signature (r and s) afterwards.
    package var tamper: (@Sendable (inout String, inout [UInt8]) -> Void)?

    /// The exact text, and its signature in hexadecimal.
    func signed() throws -> (text: String, signature: String) {
        var text = JSON.object(members).text
        if let rewrite { text = rewrite(text) }
        var signature = try signer.rawSignature(over: Array(text.utf8))
        tamper?(&text, &signature)
        return (text, Hex.encode(signature))
    }

    /// Changes every member of `tcbLevels`.
    package mutating func changeLevels(_ change: (inout [String: JSON]) -> Void) {
        members["tcbLevels"] = SignedDocument.changed(members["tcbLevels"], change)
    }

    /// Changes the TCB of every level.
    package mutating func changeTCBs(_ change: (inout [String: JSON]) -> Void) {
        changeLevels { level in
            var tcb = level["tcb"]?.object ?? [:]
            change(&tcb)
            level["tcb"] = .object(tcb)
        }
    }

    /// Every object of an array, changed.
    package static func changed(_ array: JSON?, _ change: (inout [String: JSON]) -> Void) -> JSON {
        .array(
            (array?.array ?? []).map { element in
                guard var members = element.object else { return element }
                change(&members)
                return .object(members)
            })
    }
}

/// The documents of the simulated vendor for a platform that is up to date.
///
/// - Source: Intel PCS API v4: TCB info version 3, enclave identity version 2.
extension SignedDocument {
    private static let evaluationNumber: Int64 = 17

    private static func header(_ dates: Dates) -> [String: JSON] {
        [
            "issueDate": .string(dates.collateral.description), "nextUpdate": .string(dates.collateralEnd.description),
            "tcbEvaluationDataNumber": .integer(evaluationNumber),
        ]
    }

    /// One level of TCB info, as up to date as `status` says.
    package static func level(
        _ components: [UInt8], tdx: [UInt8]?, pceSVN: UInt64, date: String, status: String, advisories: [String] = []
    ) -> JSON {
        func list(_ values: [UInt8]) -> JSON { .array(values.map { ["svn": .integer(Int64($0))] }) }
        var tcb: [String: JSON] = ["sgxtcbcomponents": list(components), "pcesvn": .integer(Int64(pceSVN))]
        if let tdx { tcb["tdxtcbcomponents"] = list(tdx) }
        return .object(dated(.object(tcb), date, status, advisories))
    }

    private static func dated(_ tcb: JSON, _ date: String, _ status: String, _ advisories: [String]) -> [String: JSON] {
        var level: [String: JSON] = ["tcb": tcb, "tcbDate": .string(date + "T00:00:00Z"), "tcbStatus": .string(status)]
        if !advisories.isEmpty { level["advisoryIDs"] = .array(advisories.map(JSON.string)) }
        return level
    }

    /// One level of an enclave or a TDX module.
    package static func level(svn: Int64, date: String, status: String, advisories: [String] = []) -> JSON {
        .object(dated(["isvsvn": .integer(svn)], date, status, advisories))
    }

    /// The advisory of every level that is out of date.
    package static let advisory = "CLOISTER-SIMULATED-00001"

    package static func tcbInfo(_ platform: IntelPlatform, signer: SigningKey, dates: Dates) -> SignedDocument {
        var members = header(dates)
        members["id"] = "SGX"
        members["version"] = 3
        members["fmspc"] = .string(Hex.encode(platform.fmspc).uppercased())
        members["pceId"] = .string(Hex.encode(platform.pceID))
        members["tcbType"] = 0
        members["tcbLevels"] = levels(platform, tdx: nil, formerTDX: nil)
        return SignedDocument(members: members, signer: signer)
    }

    static func levels(_ platform: IntelPlatform, tdx: [UInt8]?, formerTDX: [UInt8]?) -> JSON {
        let former = platform.components.map { $0 == 255 ? 255 : ($0 + 1) / 2 }
        return [
            level(
                platform.components, tdx: tdx, pceSVN: platform.pceSVN, date: "2024-03-13", status: "UpToDate"),
            level(
                former, tdx: formerTDX, pceSVN: platform.pceSVN - 2, date: "2022-11-09", status: "OutOfDate",
                advisories: [advisory]),
        ]
    }

    package static func quotingEnclaveIdentity(
        _ enclave: QuotingEnclave, signer: SigningKey, dates: Dates
    ) -> SignedDocument {
        var members = header(dates)
        members["id"] = .string(enclave.identityName)
        members["version"] = 2
        members["miscselect"] = "00000000"
        members["miscselectMask"] = "FFFFFFFF"
        members["attributes"] = "11000000000000000000000000000000"
        members["attributesMask"] = "FBFFFFFFFFFFFFFF0000000000000000"
        members["mrsigner"] = .string(Hex.encode(enclave.signer).uppercased())
        members["isvprodid"] = .integer(Int64(enclave.product))
        members["tcbLevels"] = [
            level(svn: Int64(enclave.svn), date: "2024-03-13", status: "UpToDate"),
            level(svn: Int64(enclave.svn) - 4, date: "2021-11-10", status: "OutOfDate", advisories: [enclave.advisory]),
        ]
        return SignedDocument(members: members, signer: signer)
    }
}
