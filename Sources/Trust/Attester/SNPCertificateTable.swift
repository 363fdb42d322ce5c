import Encoding
import Evidence

/// The certificates that a host attaches to an SNP report: entries of GUID, offset and length, ended by a zero entry.
///
/// - Source: AMD GHCB specification 56421, extended guest request; evidence page section 1.2.
struct SNPCertificateTable {
    /// The endorsement key's certificate and its chain; nil for a table without them.
    let collateral: SNPCollateral?

    private enum Kind: String {
        case vcek = "63da758de6644564adc5f4b93be8accd"
        case vlek = "a8074bc2a25a483eaae639c045a0b8a1"
        case ask = "4ab7b379bbac4fe4a02f05aef327c782"
        case ark = "c0b406a4a803495297433fb6014cd0ae"

        /// From a GUID in the order of its text, or with its first three fields reversed: hosts write both.
        init?(guid: [UInt8]) {
            let mixed = guid[0..<4].reversed() + guid[4..<6].reversed() + guid[6..<8].reversed() + guid[8...]
            guard let kind = Kind(rawValue: Hex.encode(guid)) ?? Kind(rawValue: Hex.encode(mixed)) else { return nil }
            self = kind
        }
    }

    /// - Throws: `evidence-malformed` for a table whose entries point outside it.
    init(_ table: [UInt8]) throws(Refusal) {
        // Slices: each of many entries may name the whole table.
        var found: [Kind: ArraySlice<UInt8>] = [:]
        var reader = ByteReader(table)
        while reader.remaining >= 24 {
            let guid = Array(try reader.take(16, "certificate table GUID"))
            let offset = Int(try reader.littleEndian(UInt32.self, "certificate table offset"))
            let length = Int(try reader.littleEndian(UInt32.self, "certificate table length"))
            if guid.allSatisfy({ $0 == 0 }) { break }
            guard offset <= table.count, length <= table.count - offset else {
                throw Refusal(.evidenceMalformed, "an entry of the certificate table points outside it")
            }
            if let kind = Kind(guid: guid) { found[kind] = table[offset..<offset + length] }
        }
        guard let key = found[.vcek] ?? found[.vlek], let intermediate = found[.ask], let root = found[.ark] else {
            collateral = nil
            return
        }
        collateral = SNPCollateral(
            vek: PEM.encode(key, label: "CERTIFICATE"),
            chain: PEM.encode(intermediate, label: "CERTIFICATE") + PEM.encode(root, label: "CERTIFICATE"))
    }
}
