extension Certificate {
    /// The purposes that the certificate names; nil when it names none or not readably.
    ///
    /// - Source: RFC 5280 section 4.2.1.12.
    var extendedKeyUsage: Set<OID>? {
        guard let value = extensionValue(.extendedKeyUsage) else { return nil }
        return try? DERValue(parsing: value).members { nodes in
            var purposes: Set<OID> = []
            while let node = try nodes.next() { purposes.insert(try node.objectIdentifier) }
            return purposes
        }
    }
}
