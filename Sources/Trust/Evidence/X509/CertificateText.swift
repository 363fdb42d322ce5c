import Encoding

/// The PEM certificates that a quote embeds, read byte by byte.
///
/// Nothing signs this text, so its form is not left open: standard base64 with canonical padding in lines of any length,
/// line feeds with or without carriage returns, nothing between the blocks, and at most zero bytes after the last. Any
/// changed bit either breaks the form or changes a certificate.
enum CertificateText {
    private static let lineFeed = UInt8(ascii: "\n")
    private static let hyphen = UInt8(ascii: "-")
    private static let begin = Array("-----BEGIN CERTIFICATE-----".utf8)
    private static let end = Array("-----END CERTIFICATE-----".utf8)
    static let maximumBytes = 32_768

    /// Reads each block.
    ///
    /// - Throws: `evidence-chain`.
    static func certificates(
        _ text: ArraySlice<UInt8>, atMost maximum: Int, known: CertificateMemory
    ) throws(Refusal) -> [Certificate] {
        guard text.count <= maximumBytes else {
            throw Refusal(.evidenceChain, "the embedded certificate chain has \(text.count) bytes")
        }
        var rest = text
        while rest.last == 0 { rest = rest.dropLast() }
        var certificates: [Certificate] = []
        while !rest.isEmpty {
            guard certificates.count < maximum else { throw notCanonical }
            let block = nextBlock(&rest)
            certificates.append(try known.certificate(der: try der(block), refusing: .evidenceChain))
        }
        return certificates
    }

    private static var notCanonical: Refusal {
        Refusal(.evidenceChain, "the embedded certificate chain is not PEM in its exact form")
    }

    /// Everything up to the next line that begins a block, or to the end.
    private static func nextBlock(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let (lineFeed, hyphen) = (lineFeed, hyphen)
        var index = rest.startIndex + 1
        while index < rest.endIndex {
            if rest[index] == hyphen, rest[index - 1] == lineFeed, rest[index...].starts(with: begin) { break }
            index += 1
        }
        defer { rest = rest[index...] }
        return rest[..<index]
    }

    /// One block: its first line, base64, its last line, and nothing else.
    private static func der(_ block: ArraySlice<UInt8>) throws(Refusal) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(block.count)
        var lineStart = 0
        var isBegun = false
        var isEnded = false
        let lineFeed = lineFeed
        for byte in block {
            if byte != lineFeed {
                body.append(byte)
                continue
            }
            try closeLine(&body, from: &lineStart, &isBegun, &isEnded)
        }
        if body.count > lineStart { try closeLine(&body, from: &lineStart, &isBegun, &isEnded) }
        guard isEnded, let der = Base64.decode(ascii: body, .padded) else { throw notCanonical }
        return der
    }

    /// Takes the marks out of `body`; what is left between them is base64.
    private static func closeLine(
        _ body: inout [UInt8], from lineStart: inout Int, _ isBegun: inout Bool, _ isEnded: inout Bool
    ) throws(Refusal) {
        if body.count > lineStart, body.last == UInt8(ascii: "\r") { body.removeLast() }
        guard !isEnded else { throw notCanonical }
        if !isBegun {
            guard body == begin else { throw notCanonical }
            body.removeAll(keepingCapacity: true)
            isBegun = true
        } else if body[lineStart...].elementsEqual(end) {
            body.removeSubrange(lineStart...)
            isEnded = true
        }
        lineStart = body.count
    }
}
