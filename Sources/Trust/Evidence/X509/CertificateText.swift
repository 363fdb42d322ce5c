import Encoding

/// The PEM certificates that a quote embeds, read byte by byte.
///
/// Nothing signs this text, so its form is not left open: standard base64 with canonical padding in lines of any length,
/// line feeds with or without carriage returns, nothing between the blocks, and at most zero bytes after the last. Any
/// changed bit either breaks the form or changes a certificate.
enum CertificateText {
    private static let begin = Array("-----BEGIN CERTIFICATE-----".utf8)
    private static let end = Array("-----END CERTIFICATE-----".utf8)
    static let maximumBytes = 32_768

    /// The DER of each block.
    ///
    /// - Throws: `evidence-chain`.
    static func blocks(_ text: ArraySlice<UInt8>, atMost maximum: Int) throws(Refusal) -> [[UInt8]] {
        guard text.count <= maximumBytes else {
            throw Refusal(.evidenceChain, "the embedded certificate chain has \(text.count) bytes")
        }
        var rest = text
        while rest.last == 0 { rest = rest.dropLast() }
        var blocks: [[UInt8]] = []
        var body: [UInt8] = []
        var isOpen = false
        while !rest.isEmpty {
            let line = nextLine(&rest)
            if !isOpen {
                guard line.elementsEqual(begin), blocks.count < maximum else { throw notCanonical }
                isOpen = true
                body.removeAll(keepingCapacity: true)
            } else if line.elementsEqual(end) {
                blocks.append(try der(body))
                isOpen = false
            } else {
                body += line
            }
        }
        guard !isOpen else { throw notCanonical }
        return blocks
    }

    private static var notCanonical: Refusal {
        Refusal(.evidenceChain, "the embedded certificate chain is not PEM in its exact form")
    }

    private static func nextLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let feed = rest.firstIndex(of: UInt8(ascii: "\n")) else {
            defer { rest = [] }
            return rest
        }
        var line = rest[..<feed]
        rest = rest[(feed + 1)...]
        if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
        return line
    }

    /// Encoding again must give the same text: no blanks, no other alphabet, no stray bits before the padding.
    private static func der(_ body: [UInt8]) throws(Refusal) -> [UInt8] {
        let text = String(decoding: body, as: UTF8.self)
        guard let der = Base64.decode(text, .lenient), Base64.encodeStandard(der) == text else { throw notCanonical }
        return der
    }
}
