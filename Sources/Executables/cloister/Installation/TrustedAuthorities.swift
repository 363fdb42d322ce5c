import AttestationToken
import Encoding
import Evidence
import KeyService

/// Attestation authorities that the person at the keyboard added to the hospital's key service.
///
/// Each is a folder entry `hospital/config/authorities/<digest>.pem`, whose first line names the URL.
struct TrustedAuthorities {
    private let folder: String

    init(_ state: StateFolder) { folder = state.party(.hospital, "config/authorities") }

    private static let mark = "# attestation authority "

    /// What the two options mean together.
    static func pairs(_ urls: [String], _ files: [String]) throws(CommandFailure) -> [(url: String, file: String)] {
        guard urls.count == files.count else {
            throw .usage(
                "each --trust-authority needs a --trust-authority-ca",
                advice: "cloister up --trust-authority URL --trust-authority-ca FILE")
        }
        for url in urls {
            guard AuthorityURL(url) != nil else {
                throw .usage("\(url) is not the https URL of an authority", advice: "https://name:port")
            }
        }
        return Array(zip(urls, files))
    }

    func add(_ authorities: [(url: String, file: String)]) throws(CommandFailure) {
        for (url, file) in authorities {
            let pem = try Files.text(file)
            guard let chain = try? Certificate.chain(pem: pem, refusing: .insecureConfiguration), !chain.isEmpty else {
                throw CommandFailure("\(file) holds no certificate", advice: "name a PEM file")
            }
            try Files.makeFolder(folder)
            let text = Self.mark + url + "\n" + pem
            try Files.update(text.utf8, to: "\(folder)/\(Digest(of: text).hex.prefix(16)).pem")
        }
    }

    /// As the configuration of the key service names them.
    func items() throws(CommandFailure) -> [[(String, YAML.Node)]] {
        var items: [[(String, YAML.Node)]] = []
        for name in Files.list(folder).sorted() where name.hasSuffix(".pem") {
            let first = try Files.text("\(folder)/\(name)").split(separator: "\n").first ?? ""
            guard first.hasPrefix(Self.mark) else { continue }
            items.append([
                ("url", .text(String(first.dropFirst(Self.mark.count)))), ("ca", .text("authorities/\(name)")),
                ("simulated", .text("true")),
            ])
        }
        return items
    }
}
