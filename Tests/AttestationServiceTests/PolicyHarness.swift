import AppraisalPolicy
import Audit
import Crypto
import Encoding
import Foundation
import SwiftASN1
import Synchronization
import X509

enum AppraisalTexts {
    static let defaultSGX = AppraisalPolicy.defaultSGXText
}

/// Somebody who signs policies: a P-256 key with a self-signed certificate.
struct TestSigner {
    /// Where the header carries the certificate.
    enum Form { case header, jwk }

    let key = P256.Signing.PrivateKey()
    /// Standard base64, leaf first.
    var chain: [String]
    var x5c: String { chain[0] }

    init(_ name: String, isAuthority: Bool = true) throws {
        let subject = try DistinguishedName { CommonName(name) }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: 1_700_000_000),
            notValidAfter: Date(timeIntervalSince1970: 1_900_000_000), issuer: subject, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                if isAuthority {
                    BasicConstraints.isCertificateAuthority(maxPathLength: nil)
                } else {
                    KeyUsage(digitalSignature: true)
                }
            }, issuerPrivateKey: .init(key))
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        chain = [Base64.encodeStandard(serializer.serializedBytes)]
    }

    var der: [UInt8] { Base64.decode(x5c, .lenient) ?? [] }

    /// A policy token around `text`.
    func policy(_ text: String, _ form: Form = .header) throws -> String {
        let body: JSON = ["AttestationPolicy": .string(Base64.encodeURL(text.utf8))]
        return try sign(body.canonical, form)
    }

    /// A token that adds or removes another's certificate.
    func certificate(of other: TestSigner, member: String = "policyCertificate") throws -> String {
        let body: JSON = [member: ["kty": "EC", "x5c": .array(other.chain.map { .string($0) })]]
        return try sign(body.canonical, .header)
    }

    /// - Parameter form: with `.jwk` the signature is DER and the algorithm misspelt, as the Python SDK does.
    func sign(_ payload: [UInt8], _ form: Form = .header) throws -> String {
        let certificates = JSON.array(chain.map { .string($0) })
        let header: JSON =
            switch form {
            case .header: ["alg": "ES256", "x5c": certificates]
            case .jwk: ["alg": "ECDH256", "jwk": ["x5c": certificates]]
            }
        let input = Base64.encodeURL(header.canonical) + "." + Base64.encodeURL(payload)
        let signature = try key.signature(for: Data(input.utf8))
        let bytes = form == .header ? signature.rawRepresentation : signature.derRepresentation
        return input + "." + Base64.encodeURL(bytes)
    }
}

/// An audit file in memory, whose disk can be full.
final class MemoryFile: AuditFile {
    private let content: Mutex<(bytes: [UInt8], isFull: Bool)>

    init(_ bytes: [UInt8] = []) { content = Mutex((bytes, false)) }

    var isFull: Bool {
        get { content.withLock { $0.isFull } }
        set { content.withLock { $0.isFull = newValue } }
    }

    func read(at offset: Int64, count: Int) throws(AuditFileError) -> [UInt8] {
        content.withLock { Array($0.bytes.dropFirst(Int(offset)).prefix(count)) }
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws(AuditFileError) {
        let isWritten = content.withLock { content in
            guard !content.isFull else { return false }
            content.bytes = content.bytes.prefix(Int(offset)) + bytes
            return true
        }
        if !isWritten { throw AuditFileError(errorNumber: 28) }
    }

    func truncate(to length: Int64) throws(AuditFileError) {
        content.withLock { $0.bytes = Array($0.bytes.prefix(Int(length))) }
    }

    func synchronize() throws(AuditFileError) {}
}
