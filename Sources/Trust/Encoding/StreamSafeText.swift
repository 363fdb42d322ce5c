extension String {
    /// Most combining marks in a row, of all languages' text (Unicode Standard Annex #15, section 13).
    public static let maximumCombiningMarks = 30

    /// Text from strangers: valid UTF-8 in stream-safe form; nil for anything else.
    ///
    /// Swift compares and hashes strings by their canonical form, and puts each run of combining marks in order with a
    /// number of steps that grows with the square of its length: a single megabyte of them, as the name of a JSON member,
    /// costs minutes. Text with a longer run than any language needs is refused where it is read.
    ///
    /// - Source: Unicode Standard Annex #15, section 13, "Stream-Safe Text Format".
    public init?(streamSafe bytes: Span<UInt8>) {
        guard let valid = try? UTF8Span(validating: bytes) else { return nil }
        let text = String(copying: valid)
        // The first combining mark is U+0300, 0xcc 0x80 in UTF-8: most text needs no second look.
        if bytes.count > 2 * String.maximumCombiningMarks, !valid.isKnownASCII,
            bytes.indices.contains(where: { bytes[$0] >= 0xcc })
        {
            var marks = 0
            for scalar in text.unicodeScalars {
                marks = scalar.properties.canonicalCombiningClass == .notReordered ? 0 : marks + 1
                guard marks <= String.maximumCombiningMarks else { return nil }
            }
        }
        self = text
    }

    /// The beginning, for error texts; counted in Unicode scalars, since one `Character` may be of any length.
    public func excerpt(_ scalars: Int) -> String {
        utf8.count <= scalars ? self : String(unicodeScalars.prefix(scalars))
    }
}
