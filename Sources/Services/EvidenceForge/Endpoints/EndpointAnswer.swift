import Encoding

/// What a vendor's web service answers, before any server sends it.
package struct EndpointAnswer: Sendable {
    package var status: Int
    /// Names in lower case.
    package var headers: [String: String]
    package var body: [UInt8]

    static let notFound = EndpointAnswer(
        status: 404, headers: ["content-type": "text/plain"], body: Array("not found\n".utf8))
    static let badRequest = EndpointAnswer(
        status: 400, headers: ["content-type": "text/plain"], body: Array("bad request\n".utf8))

    /// - Parameter issuers: header and PEM; the chain goes percent-encoded.
    static func content(
        _ body: [UInt8], _ type: String, issuers: (header: String, chain: String)? = nil
    ) -> EndpointAnswer {
        var headers = ["content-type": type]
        if let issuers { headers[issuers.header] = percentEncoded(issuers.chain) }
        return EndpointAnswer(status: 200, headers: headers, body: body)
    }

    /// Everything but unreserved characters (RFC 3986 section 2.3).
    private static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            let character = Character(UnicodeScalar(byte))
            if character.isASCII, character.isLetter || character.isNumber || "-._~".contains(character) {
                encoded.append(character)
            } else {
                encoded += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return encoded
    }
}

/// The target of a GET request, taken apart.
struct EndpointRequest {
    /// Segments of the path.
    let path: [String]
    private let query: [String: String]

    /// Nil for a target that is not a path with an optional query of plain parameters, each once.
    init?(target: String) {
        guard target.hasPrefix("/"), target.utf8.count <= 4_096 else { return nil }
        let halves = target.dropFirst().split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = (halves.first ?? "").split(separator: "/").map(String.init)
        var query: [String: String] = [:]
        for pair in (halves.count > 1 ? halves[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, query.updateValue(String(sides[1]), forKey: String(sides[0])) == nil else {
                return nil
            }
        }
        self.query = query
    }

    subscript(parameter: String) -> String? { query[parameter] }

    func number(_ parameter: String) -> UInt8? { query[parameter].flatMap { UInt8($0) } }
    func bytes(_ parameter: String) -> [UInt8]? { query[parameter].flatMap { Hex.decode($0) } }
}
