import Encoding

/// The last lines of a service's log, for saying why it did not start.
///
/// Our services log fixed messages and chosen fields only; of such a line the message, code and detail are quoted.
/// Other lines (the loader's, an argument error) are quoted cut to one line each.
enum LogTail {
    static func lines(of path: String, count: Int = 4) -> [String] {
        guard let text = try? Files.text(path) else { return [] }
        return text.split(whereSeparator: \.isNewline).suffix(count).map { line in
            guard let json = try? JSON.parse(String(line)), let message = json["message"]?.string else {
                return String(line.prefix(240))
            }
            let more = ["code", "detail"].compactMap { json[$0]?.string }.joined(separator: ": ")
            return more.isEmpty ? message : "\(message) (\(more))"
        }
    }
}
