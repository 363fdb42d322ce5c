/// The extensions of a certificate or revocation list, each at most once.
struct X509Extensions: Sendable {
    /// Several times as many as any vendor's certificate has; so few are compared one by one.
    private static let maximumCount = 64

    private struct Entry: Sendable {
        let id: OID
        let isCritical: Bool
        let value: ArraySlice<UInt8>
    }

    private var entries: [Entry] = []

    /// `Extensions ::= SEQUENCE OF SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }`
    init(_ node: DERValue) throws {
        entries = try node.members { list in
            var entries: [Entry] = []
            while let entry = try list.next() {
                guard entries.count < X509Extensions.maximumCount else { throw UnsupportedASN1.oversized }
                let entry = try entry.members { nodes in
                    Entry(
                        id: try nodes.required().objectIdentifier, isCritical: try nodes.flag(),
                        value: try nodes.required().octets)
                }
                guard !entries.contains(where: { $0.id == entry.id }) else { throw UnsupportedASN1.duplicateExtension }
                entries.append(entry)
            }
            return entries
        }
    }

    /// The content of an extension's OCTET STRING; nil when absent.
    subscript(id: OID) -> ArraySlice<UInt8>? { entries.first { $0.id == id }?.value }

    func hasCritical(besides known: [OID]) -> Bool { entries.contains { $0.isCritical && !known.contains($0.id) } }

    /// `BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }`
    func basicConstraints() throws -> (isAuthority: Bool, pathLength: Int?) {
        guard let value = self[.basicConstraints] else { return (false, nil) }
        return try DERValue(parsing: value).members { nodes in
            let isAuthority = try nodes.flag()
            guard let length = try nodes.next() else { return (isAuthority, nil) }
            guard isAuthority else { throw UnsupportedASN1.constraints }
            return (isAuthority, try length.unsigned())
        }
    }

    /// `KeyUsage ::= BIT STRING`, bit 0 first.
    func keyUsage() throws -> Certificate.KeyUsage? {
        guard let value = self[.keyUsage] else { return nil }
        var usage: UInt16 = 0
        for (index, byte) in try DERValue(parsing: value).bits.bytes.prefix(2).enumerated() {
            for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 { usage |= 1 << UInt16(index * 8 + bit) }
        }
        return Certificate.KeyUsage(rawValue: usage)
    }
}

extension DERReader {
    /// `BOOLEAN DEFAULT FALSE`, which DER writes only where it is true.
    fileprivate mutating func flag() throws -> Bool {
        guard let value = try next(ifTag: DERValue.Tag.boolean) else { return false }
        guard try value.boolean else { throw MalformedASN1.value }
        return true
    }
}
