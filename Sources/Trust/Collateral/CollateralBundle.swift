package import Encoding
package import Evidence

/// Collateral to carry to where no service can be reached: items with their exact bytes, in one JSON file.
///
/// ```json
/// {"format": "cloister-collateral/1",
///  "items": [{"request": "sgx/certification/v4/tcb?fmspc=00606a000000", "content": digest, "issuers": digest}, …],
///  "content": {digest: base64url, …}}
/// ```
///
/// `request` is the path at the vendor's service, in the form of `CollateralRequest.path`, each once. `content` of an item
/// names its bytes, `issuers` the PEM of the certificates up to the root; the latter is absent where the bytes are the
/// chain. The bytes stand once each in the member `content`, in unpadded base64url under their SHA-256 in the same form;
/// none stands there that no item names. Whoever reads a bundle proves each item as if it came from the service.
package struct CollateralBundle: Hashable, Sendable {
    /// Longest file that is read, in bytes.
    package static let maximumBytes = 32 << 20

    package var items: [CollateralItem]

    package init(items: [CollateralItem]) {
        self.items = items
    }

    /// - Throws: `collateral-invalid` for anything that the format does not say.
    package init(parsing bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= CollateralBundle.maximumBytes else {
            throw Refusal(.collateralInvalid, "a bundle has at most \(CollateralBundle.maximumBytes) bytes")
        }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.collateralInvalid, "collateral bundle: \(error)")
        }
        var reader = try ObjectReader(json, "collateral bundle", refusing: .collateralInvalid)
        try reader.format("cloister-collateral/1")
        let entries = try reader.array("items")
        var contents = Contents(try reader.value("content").object ?? [:])
        try reader.finish()
        items = []
        for entry in entries {
            var member = try ObjectReader(entry, "an item of the bundle", refusing: .collateralInvalid)
            guard let request = CollateralRequest(path: try member.string("request")) else {
                throw Refusal(.collateralInvalid, "the bundle has an item of an unknown kind")
            }
            let content = try contents.bytes(try member.string("content"))
            var issuers = ""
            if member.has("issuers") {
                guard let text = String(validating: try contents.bytes(try member.string("issuers")), as: UTF8.self)
                else { throw Refusal(.collateralInvalid, "the bundle has issuers that are not text") }
                issuers = text
            }
            try member.finish()
            items.append(CollateralItem(request: request, content: content, issuers: issuers))
        }
        guard Set(items.map(\.request)).count == items.count, contents.areAllUsed else {
            throw Refusal(.collateralInvalid, "the bundle has an item twice, or bytes that no item names")
        }
    }

    package var json: JSON {
        var contents: [String: JSON] = [:]
        func name(_ bytes: [UInt8]) -> JSON {
            let digest = Digest(of: bytes).description
            contents[digest] = .string(Base64.encodeURL(bytes))
            return .string(digest)
        }
        let entries = items.map { item in
            var members: [String: JSON] = ["request": .string(item.request.path), "content": name(item.content)]
            if !item.issuers.isEmpty { members["issuers"] = name(Array(item.issuers.utf8)) }
            return JSON.object(members)
        }
        return ["format": "cloister-collateral/1", "items": .array(entries), "content": .object(contents)]
    }

    /// Proves every item as of a moment.
    ///
    /// - Throws: `collateral-invalid` when one does not hold.
    package func proven(_ anchors: TrustAnchors, at time: Timestamp) throws(Refusal) -> [CollateralItem.Proven] {
        var all: [CollateralItem.Proven] = []
        for item in items {
            do throws(Refusal) {
                let proven = try item.proven(anchors)
                try proven.publication.requireCurrent(at: time)
                all.append(proven)
            } catch {
                throw Refusal(
                    .collateralInvalid,
                    "the bundle's \(item.request.what) for \(item.request.platform): \(error.detail)")
            }
        }
        return all
    }

    /// The bytes of a bundle, each decoded once and compared with its name.
    private struct Contents {
        private let members: [String: JSON]
        private var decoded: [String: [UInt8]] = [:]

        init(_ members: [String: JSON]) {
            self.members = members
        }

        var areAllUsed: Bool { decoded.count == members.count }

        mutating func bytes(_ name: String) throws(Refusal) -> [UInt8] {
            if let bytes = decoded[name] { return bytes }
            guard let text = members[name]?.string, let bytes = Base64.decode(text), Digest(of: bytes) == Digest(name)
            else { throw Refusal(.collateralInvalid, "bytes of the bundle are missing, or not what their digest says") }
            decoded[name] = bytes
            return bytes
        }
    }
}

// MARK: Out of and into a cache

extension CollateralCache {
    /// Everything that is proven and holds at `time`.
    package func bundle(_ anchors: TrustAnchors, at time: Timestamp) -> CollateralBundle {
        CollateralBundle(
            items: all().map(\.item).filter { (try? $0.proven(anchors))?.publication.isCurrent(at: time) ?? false })
    }

    /// Stores all items of a bundle, or none if one does not hold at `time`. An item that was issued later than the
    /// bundle's stays.
    ///
    /// - Returns: the number of items that were stored.
    /// - Throws: `collateral-invalid`; `not-ready` when the cache cannot be written.
    @discardableResult
    package func add(
        _ bundle: CollateralBundle, _ anchors: TrustAnchors, at time: Timestamp
    ) throws(Refusal) -> Int {
        var added = 0
        for proven in try bundle.proven(anchors, at: time) {
            let publication = proven.publication
            if let known = try? stored(proven.item.request)?.item.proven(anchors),
                known.publication.notBefore > publication.notBefore
            {
                continue
            }
            try store(proven.item, fetched: time, from: publication.notBefore, until: publication.notAfter)
            added += 1
        }
        return added
    }
}

extension CollateralClient {
    /// A client that has what a bundle brings and asks nobody.
    ///
    /// - Throws: `collateral-invalid` when an item does not hold at `time`.
    package convenience init(_ bundle: CollateralBundle, anchors: TrustAnchors, at time: Timestamp) throws(Refusal) {
        self.init(
            services: CollateralServices(), transport: nil, cache: nil, anchors: anchors, clock: .fixed(time),
            capacity: bundle.items.count)
        for proven in try bundle.proven(anchors, at: time) { hold(proven) }
    }
}
