import Encoding
import Evidence

/// Cases that quotes of SGX and of TDX share, for quotes of one form.
///
/// Each function of its extensions makes the cases of one subject.
struct QuotedFamily: Sendable {
    typealias Change = @Sendable (inout QuotedEvidenceRecipe) throws -> Void
    typealias ForgedChange = @Sendable (inout QuotedEvidenceRecipe, Forge) throws -> Void

    /// How the names of its cases begin.
    let prefix: String
    let form: QuoteRecipe.Form

    static let sgx = QuotedFamily(prefix: "sgx", form: .sgx3)
    static let tdx4 = QuotedFamily(prefix: "tdx4", form: .tdx4)
    /// Version 5 with the body of a TD 1.5. What it has in common with version 4 below the body is not repeated.
    static let tdx5 = QuotedFamily(prefix: "tdx5", form: .tdx5TD15)

    /// All that quotes of one version can have.
    var cases: [ForgedCase] {
        right + lengths + formats + chainTimes + chainRoles + chainShapes + roots + revocation + lists + tcbInfo
            + tcbInfoSigner + qeIdentity + enclave + signature + levels + policy
    }

    /// Offsets of what all its quotes have.
    var bodyOffset: Int { form.bodyType == nil ? 48 : 54 }
    var bodyBytes: Int { form == .sgx3 ? SGXReport.Layout.byteCount : form == .tdx5TD15 ? 648 : 584 }
    /// Of the signature data's length; the signature follows after four bytes.
    var signatureLengthOffset: Int { bodyOffset + bodyBytes }
    var isNested: Bool { form != .sgx3 }

    func wrong(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, _ change: @escaping Change
    ) -> ForgedCase {
        wrong(name, code, abuseCase, about, forged: { recipe, _ in try change(&recipe) })
    }

    /// A case whose change takes keys of other worlds.
    func wrong(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, forged change: @escaping ForgedChange
    ) -> ForgedCase {
        made(name, about, code: code, abuseCase: abuseCase, status: nil, change)
    }

    func right(
        _ name: String, status: String = "UpToDate", _ about: String, _ change: @escaping Change = { _ in }
    ) -> ForgedCase {
        made(name, about, code: nil, abuseCase: nil, status: status) { recipe, _ in try change(&recipe) }
    }

    private func made(
        _ name: String, _ about: String, code: RefusalCode?, abuseCase: String?, status: String?,
        _ change: @escaping ForgedChange
    ) -> ForgedCase {
        let form = form
        return ForgedCase(
            name: "\(prefix)-\(name)", tee: form.tee, about: about, code: code, abuseCase: abuseCase, tcbStatus: status
        ) { forge in
            var recipe = try forge.quoted(form)
            try change(&recipe, forge)
            return try recipe.made()
        }
    }
}

extension [UInt8] {
    /// Flips the lowest bit of the last byte, which in X.509 belongs to the signature.
    mutating func flipLastBit() {
        if let last { self[count - 1] = last ^ 1 }
    }
}
