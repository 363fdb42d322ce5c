import Crypto
import Encoding
import FoundationEssentials
import HTTPTypes
import ServiceKit

/// Serves the files of one folder and nothing else, with the portal's headers (portal page, section 2).
struct StaticSite: RequestHandler {
    /// Absolute.
    let folder: String

    /// Greatest file that is served, in bytes.
    private static let maximumBytes = 4 << 20

    private static let types: [String: String] = [
        "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
        "json": "application/json", "jws": "application/jose", "svg": "image/svg+xml", "png": "image/png",
        "ico": "image/x-icon", "txt": "text/plain; charset=utf-8", "webmanifest": "application/manifest+json",
    ]

    func respond(to request: ServerRequest) async -> ServerResponse {
        do throws(Refusal) {
            guard request.method == .get || request.method == .head else {
                throw Refusal(RefusalCode("method-not-allowed", status: 405), "the portal's files are read only")
            }
            let (bytes, type, isFresh) = try file(at: request)
            var headers = try headers()
            headers[.contentType] = type
            headers[.cacheControl] = isFresh ? "no-store" : "no-cache"
            return ServerResponse(status: 200, headers: headers, body: request.method == .head ? [] : bytes)
        } catch {
            var response = ServerResponse.problem(error, id: request.id)
            if let headers = try? headers() { response.headers.append(contentsOf: headers) }
            return response
        }
    }

    func route(of request: ServerRequest) -> StaticString { "/{file}" }

    func readiness() async -> Readiness { Readiness(isReady: (try? policy()) != nil) }

    /// The file that a path names; a path only ever goes down.
    private func file(at request: ServerRequest) throws(Refusal) -> (bytes: [UInt8], type: String, isFresh: Bool) {
        let missing = Refusal(.notFound, "there is no such file")
        guard var segments = request.segments else { throw missing }
        if segments == [""] { segments = ["index.html"] }
        guard segments.count <= 8, segments.allSatisfy(StaticSite.isPlainName), let name = segments.last else {
            throw missing
        }
        let path = folder + "/" + segments.joined(separator: "/")
        guard let bytes = try? AtomicFile.read(path, maximumBytes: StaticSite.maximumBytes) else { throw missing }
        let suffix = name.split(separator: ".").last.map(String.init) ?? ""
        // What says whom to trust, and the page that starts everything, are never taken from a cache.
        let isFresh = segments.count == 1 && ["index.html", "config.json", "party-policy.jws"].contains(name)
        return (bytes, StaticSite.types[suffix] ?? "application/octet-stream", isFresh)
    }

    private static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix(".")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private func headers() throws(Refusal) -> HTTPFields {
        [
            .contentSecurityPolicy: try policy(),
            .known("Cross-Origin-Opener-Policy"): "same-origin",
            .known("Cross-Origin-Embedder-Policy"): "require-corp",
            .known("Cross-Origin-Resource-Policy"): "same-origin",
            .known("Referrer-Policy"): "no-referrer",
            .known("Permissions-Policy"): "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
            .known("Integrity-Policy"): "blocked-destinations=(script)",
            .known("X-Frame-Options"): "DENY",
        ]
    }

    /// The content security policy: this page's own import map, and connections to the services that `config.json`
    /// names and to no others.
    ///
    /// - Throws: `insecure-configuration` when the folder is not a portal.
    func policy() throws(Refusal) -> String {
        let failure = Refusal(.insecureConfiguration, "the folder holds no index.html and config.json of a portal")
        guard let page = try? AtomicFile.read(folder + "/index.html", maximumBytes: StaticSite.maximumBytes),
            let bytes = try? AtomicFile.read(folder + "/config.json", maximumBytes: 1 << 20),
            let config = try? JSON.parse(bytes), config["format"]?.string == "cloister-portal/1"
        else { throw failure }
        var origins: Set<String> = ["'self'"]
        let services = [config["platform"]].compactMap { $0 } + (config["attestation"]?.array ?? [])
        for url in services.compactMap({ $0["url"]?.string }) {
            // The value becomes part of a header: only what an origin is made of.
            guard url.hasPrefix("https://"),
                url.dropFirst(8).allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".:-[]".contains($0)) })
            else { throw failure }
            origins.insert(url)
        }
        let scripts = StaticSite.importMapDigest(String(decoding: page, as: UTF8.self)).map { " 'sha256-\($0)'" } ?? ""
        return """
            default-src 'none'; script-src 'self'\(scripts); style-src 'self'; \
            connect-src \(origins.sorted().joined(separator: " ")); img-src 'self' blob:; base-uri 'none'; \
            form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'
            """
    }

    /// SHA-256 over the inline import map, as browsers compare it.
    private static func importMapDigest(_ page: String) -> String? {
        let start = "<script type=\"importmap\">"
        guard let begin = page.firstRange(of: start), let end = page[begin.upperBound...].firstRange(of: "</script>")
        else {
            return nil
        }
        let text = page[begin.upperBound..<end.lowerBound]
        return Base64.encodeStandard(SHA256.hash(data: Array(text.utf8)))
    }
}
