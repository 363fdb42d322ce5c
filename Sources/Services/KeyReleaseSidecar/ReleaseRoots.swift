package import Encoding
import Evidence
import ServiceKit

/// The roots in which the certificates of vaults end.
package enum ReleaseRoots {
    /// Where Debian and its like keep the authorities of the public web, which sign for public vaults.
    package static let system = "/etc/ssl/certs/ca-certificates.crt"

    /// Longest file that is read, in bytes.
    private static let maximumBytes = 4 << 20

    /// SHA-256 of the SPKI of every certificate in a PEM file, those of kinds that are never used here left out; or the
    /// member `pins` of a key service's own `keyservice.json`.
    ///
    /// - Throws: `insecure-configuration` for a file without any. A missing file of the system's is none: a sidecar may
    ///   serve attestation alone.
    package static func pins(file: String) throws(Refusal) -> Set<Digest> {
        let bytes: [UInt8]
        do throws(AtomicFile.Failure) { bytes = try AtomicFile.read(file, maximumBytes: maximumBytes) } catch {
            guard file != system else { return [] }
            throw Refusal(.insecureConfiguration, "the roots of release answers cannot be read (\(error))")
        }
        let listed = (try? JSON.parse(bytes))?["pins"]?.strings?.compactMap { Digest($0) }
        let pins = listed.map { Set($0) } ?? pins(pem: String(decoding: bytes, as: UTF8.self))
        guard !pins.isEmpty else {
            throw Refusal(.insecureConfiguration, "the file of release roots holds no certificate in PEM and no pins")
        }
        return pins
    }

    /// The same of PEM text.
    package static func pins(pem: String) -> Set<Digest> {
        let blocks = PEM.decode(pem, label: "CERTIFICATE") ?? []
        return Set(blocks.compactMap { try? Certificate(der: $0) }.filter(\.isCertificateAuthority).map(\.pin))
    }
}
