import Encoding
package import Evidence

/// A DCAP quote as it will be made: every field, every length and every signer of its own.
///
/// - Source: Intel SGX ECDSA QuoteLibReference appendix A; Intel TDX DCAP Quoting Library API; evidence page section 1.3.
package struct QuoteRecipe: Sendable {
    /// The first 48 bytes.
    package var header: [UInt8]
    /// Body type and size before the body, in version 5.
    package var descriptor: (type: UInt16, byteCount: UInt32)?
    package var body: [UInt8]
    /// The key that the quote says it is signed with, and the key that signs it.
    package var attestationKey: SigningKey
    /// In place of that key's point.
    package var statedKey: [UInt8]?
    package var signer: SigningKey
    /// The quoting enclave's report without its report data, and the key that signs it.
    package var quotingEnclave: [UInt8]
    package var quotingEnclaveSigner: SigningKey
    package var authenticationData: [UInt8]
    /// What the report binds in place of the attestation key.
    package var boundKey: [UInt8]?
    /// The second half of the report's report data.
    package var bindingTail: [UInt8] = .zeros(32)
    package var certificationType: UInt16 = 5
    /// In place of the PCK chain.
    package var certificationData: [UInt8]?
    /// Around the quoting enclave's report, from version 4 on.
    package var outerCertificationType: UInt16?
    /// Lengths other than the right ones.
    package var lengths = Lengths()

    package struct Lengths: Sendable {
        package var signatureData: UInt32?
        package var authentication: UInt16?
        package var certification: UInt32?
        package var outerCertification: UInt32?
    }

    /// The quote.
    ///
    /// - Throws: when the crypto library fails.
    package func quote(chain: [UInt8]) throws -> [UInt8] {
        var signed = header
        if let descriptor {
            signed += .littleEndian(descriptor.type)
            signed += .littleEndian(descriptor.byteCount)
        }
        signed += body
        var signatureData = try signer.rawSignature(over: signed) + (statedKey ?? attestationKey.point)
        let enclave = try certifiedEnclave(chain: chain)
        if let outerCertificationType {
            signatureData += .littleEndian(outerCertificationType)
            signatureData += .littleEndian(lengths.outerCertification ?? UInt32(enclave.count))
        }
        signatureData += enclave
        return signed + .littleEndian(lengths.signatureData ?? UInt32(signatureData.count)) + signatureData
    }

    /// The quoting enclave's report, its signature, authentication data, certification data.
    private func certifiedEnclave(chain: [UInt8]) throws -> [UInt8] {
        var report = quotingEnclave
        let binding = Digest(of: (boundKey ?? statedKey ?? attestationKey.point) + authenticationData)
        report.put(binding.bytes + bindingTail, at: SGXReport.Layout.reportData)
        var part = try report + quotingEnclaveSigner.rawSignature(over: report)
        part += .littleEndian(lengths.authentication ?? UInt16(authenticationData.count))
        part += authenticationData
        let data = certificationData ?? chain
        part += .littleEndian(certificationType)
        part += .littleEndian(lengths.certification ?? UInt32(data.count))
        return part + data
    }
}

// MARK: The usual ones

extension QuoteRecipe {
    /// The forms that quotes have.
    package enum Form: Hashable, Sendable {
        /// Version 3, an SGX enclave.
        case sgx3
        /// Version 4 and 5, a TD 1.0.
        case tdx4
        case tdx5
        /// Version 5, a TD 1.5.
        case tdx5TD15

        /// Whose evidence it is.
        package var tee: TEE { self == .sgx3 ? .sgx : .tdx }
        /// Type of the body, which stands before it in version 5.
        var bodyType: UInt16? {
            switch self {
            case .sgx3, .tdx4: nil
            case .tdx5: 2
            case .tdx5TD15: 3
            }
        }
    }

    /// A quote about `program` by the up-to-date quoting enclave of a platform.
    package static func standard(
        _ form: Form, platform: IntelPlatform, pck: SigningKey, program: AttestedProgram, keys: KeyRing
    ) throws -> QuoteRecipe {
        typealias Layout = SGXQuote.Layout
        let enclave = form == .sgx3 ? QuotingEnclave.sgx : .tdx
        var header = [UInt8].zeros(Layout.headerBytes)
        header.put(UInt16(2), at: Layout.attestationKeyType)
        header.put(Layout.intelVendor, at: Layout.quotingEnclaveVendor)
        header.put(keys.bytes("intel/\(form)/user-data", 16), at: Layout.userData)
        switch form {
        case .sgx3:
            header.put(UInt16(3), at: Layout.version)
            header.put(enclave.svn, at: Layout.quotingEnclaveSVN)
            header.put(UInt16(truncatingIfNeeded: platform.pceSVN), at: Layout.provisioningEnclaveSVN)
        case .tdx4, .tdx5, .tdx5TD15:
            header.put(UInt16(form == .tdx4 ? 4 : 5), at: Layout.version)
            header.put(UInt32(0x81), at: Layout.teeType)
        }
        let body =
            form == .sgx3
            ? SGXReportRecipe.enclave(program, cpuSVN: platform.cpuSVN)
            : TDReportRecipe.body(program, is15: form == .tdx5TD15)
        let key = try keys.p256("intel/\(form)/attestation-key")
        return QuoteRecipe(
            header: header,
            descriptor: form.bodyType.map { ($0, UInt32(body.count)) }, body: body, attestationKey: key, signer: key,
            quotingEnclave: SGXReportRecipe.quotingEnclave(enclave, cpuSVN: platform.cpuSVN),
            quotingEnclaveSigner: pck, authenticationData: keys.bytes("intel/\(form)/authentication", 32),
            outerCertificationType: form == .sgx3 ? nil : 6)
    }
}
