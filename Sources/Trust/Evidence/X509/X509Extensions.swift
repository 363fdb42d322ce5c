import SwiftASN1

/// The extensions of a certificate or revocation list, each at most once.
struct X509Extensions {
    static let basicConstraintsID = "2.5.29.19"
    static let keyUsageID = "2.5.29.15"
    /// Names of the subject, critical where the subject itself is empty, as in certificates of TPM keys. No decision
    /// here rests on a name of a leaf, so there is nothing in it to overlook.
    static let subjectAlternativeNameID = "2.5.29.17"

    private(set) var values: [String: [UInt8]] = [:]
    private var critical: Set<String> = []

    /// `Extensions ::= SEQUENCE OF SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }`
    init(_ node: ASN1Node) throws {
        var values: [String: [UInt8]] = [:]
        var critical: Set<String> = []
        try DER.sequence(node, identifier: .sequence) { list in
            while let entry = list.next() {
                try DER.sequence(entry, identifier: .sequence) { nodes in
                    let id = String(describing: try ASN1ObjectIdentifier(derEncoded: &nodes))
                    let isCritical = try DER.decodeDefault(&nodes, defaultValue: false)
                    let value = Array(try ASN1OctetString(derEncoded: &nodes).bytes)
                    guard values.updateValue(value, forKey: id) == nil else { throw UnsupportedASN1.duplicateExtension }
                    if isCritical { critical.insert(id) }
                }
            }
        }
        self.values = values
        self.critical = critical
    }

    func hasCritical(besides known: Set<String>) -> Bool { !critical.isSubset(of: known) }

    /// `BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }`
    func basicConstraints() throws -> (isAuthority: Bool, pathLength: Int?) {
        guard let value = values[Self.basicConstraintsID] else { return (false, nil) }
        return try DER.sequence(try DER.parse(value), identifier: .sequence) { nodes in
            let isAuthority = try DER.decodeDefault(&nodes, defaultValue: false)
            guard let node = nodes.next() else { return (isAuthority, nil) }
            let length = try Int(derEncoded: node)
            guard isAuthority, length >= 0 else { throw UnsupportedASN1.constraints }
            return (isAuthority, length)
        }
    }

    /// `KeyUsage ::= BIT STRING`, bit 0 first.
    func keyUsage() throws -> Certificate.KeyUsage? {
        guard let value = values[Self.keyUsageID] else { return nil }
        let bits = try ASN1BitString(derEncoded: try DER.parse(value))
        var usage: UInt16 = 0
        for (index, byte) in bits.bytes.prefix(2).enumerated() {
            for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 { usage |= 1 << UInt16(index * 8 + bit) }
        }
        return Certificate.KeyUsage(rawValue: usage)
    }
}
