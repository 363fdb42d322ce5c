package import Encoding

/// Collateral on disk, by content, for any number of processes.
///
/// `content/` holds bytes, each file under the SHA-256 of what is in it; `entries/` holds one small file for each request,
/// which says by digest what answers it. Files are only ever replaced whole, so readers need no lock; what one process
/// writes, the others find. Nothing here is believed: readers compare the digest and prove the item again, since anybody
/// with access to the folder can write into it. Entries and bytes are bounded; the oldest leave.
package struct CollateralCache: Sendable {
    /// Greatest number of requests that are answered, and of bytes that their content takes.
    package struct Limits: Hashable, Sendable {
        package var entries = 4_096
        package var bytes = 16 << 20

        package init() {}
    }

    /// An item as it was stored.
    package struct Stored: Hashable, Sendable {
        package let item: CollateralItem
        /// When it was fetched or imported.
        package let fetched: Timestamp
    }

    private let folder: String
    private let limits: Limits

    /// Uses a folder, which is made with mode 0700 where absent.
    ///
    /// - Throws: `not-ready` when it cannot be made.
    package init(folder: String, limits: Limits = Limits()) throws(Refusal) {
        self.folder = folder
        self.limits = limits
        try CacheFiles.makeFolder(folder + "/content")
        try CacheFiles.makeFolder(folder + "/entries")
    }

    /// What answers a request; nil when there is nothing whole. An entry that is damaged is taken away.
    package func stored(_ request: CollateralRequest) -> Stored? {
        let file = entryFile(request)
        guard let bytes = CacheFiles.read(file, maximumBytes: Entry.maximumBytes) else { return nil }
        guard let entry = Entry(bytes), entry.request == request, let stored = stored(entry) else {
            CacheFiles.remove(file)
            return nil
        }
        return stored
    }

    /// Everything that is whole, ordered by request.
    package func all() -> [Stored] {
        entries().compactMap { $0.entry.flatMap(stored) }.sorted { $0.item.request.path < $1.item.request.path }
    }

    /// Stores an item in the place of any other that answers its request.
    ///
    /// - Throws: `not-ready` when a file cannot be written.
    package func store(_ item: CollateralItem, fetched: Timestamp, from start: Timestamp, until end: Timestamp)
        throws(Refusal)
    {
        let entry = Entry(
            request: item.request, content: Digest(of: item.content),
            issuers: item.issuers.isEmpty ? nil : Digest(of: item.issuers), fetched: fetched, start: start, end: end)
        try CacheFiles.write(item.content, to: contentFile(entry.content))
        if let issuers = entry.issuers { try CacheFiles.write(Array(item.issuers.utf8), to: contentFile(issuers)) }
        try CacheFiles.write(entry.json.canonical, to: entryFile(item.request))
        CacheFiles.exclusively(folder + "/lock", prune)
    }

    // MARK: Files

    private func entryFile(_ request: CollateralRequest) -> String {
        "\(folder)/entries/\(Digest(of: request.path).hex)"
    }

    private func contentFile(_ digest: Digest) -> String { "\(folder)/content/\(digest.hex)" }

    /// Bytes that are what their name says.
    private func content(_ digest: Digest) -> [UInt8]? {
        let bytes = CacheFiles.read(contentFile(digest), maximumBytes: CollateralResponse.maximumBytes)
        return bytes.flatMap { Digest(of: $0) == digest ? $0 : nil }
    }

    private func stored(_ entry: Entry) -> Stored? {
        guard let content = content(entry.content) else { return nil }
        var issuers = ""
        if let digest = entry.issuers {
            guard let text = self.content(digest).flatMap({ String(validating: $0, as: UTF8.self) }) else { return nil }
            issuers = text
        }
        return Stored(
            item: CollateralItem(request: entry.request, content: content, issuers: issuers), fetched: entry.fetched)
    }

    private func entries() -> [(name: String, entry: Entry?)] {
        CacheFiles.list(folder + "/entries").map { file in
            let bytes = CacheFiles.read("\(folder)/entries/\(file.name)", maximumBytes: Entry.maximumBytes)
            return (file.name, bytes.flatMap(Entry.init))
        }
    }

    /// Takes the oldest entries away until seven eighths of the limits are kept, and what no entry names.
    private func prune() {
        // Content first: what another process stores meanwhile is not in this list, and so stays.
        let contents = CacheFiles.list(folder + "/content")
        var bytes = contents.reduce(0) { $0 + $1.bytes }
        guard bytes > limits.bytes || CacheFiles.list(folder + "/entries").count > limits.entries else { return }
        var sizes = Dictionary(contents.map { ($0.name, $0.bytes) }, uniquingKeysWith: { first, _ in first })
        var entries = entries().sorted {
            ($0.entry?.fetched.seconds ?? .min, $0.name) > ($1.entry?.fetched.seconds ?? .min, $1.name)
        }
        var uses: [String: Int] = [:]
        for name in entries.flatMap({ $0.entry?.contentNames ?? [] }) { uses[name, default: 0] += 1 }
        for name in sizes.keys where uses[name] == nil {
            CacheFiles.remove("\(folder)/content/\(name)")
            bytes -= sizes.removeValue(forKey: name) ?? 0
        }
        while bytes > limits.bytes - limits.bytes / 8 || entries.count > limits.entries - limits.entries / 8,
            let oldest = entries.popLast()
        {
            CacheFiles.remove("\(folder)/entries/\(oldest.name)")
            for name in oldest.entry?.contentNames ?? [] {
                uses[name, default: 1] -= 1
                guard uses[name] == 0 else { continue }
                CacheFiles.remove("\(folder)/content/\(name)")
                bytes -= sizes.removeValue(forKey: name) ?? 0
            }
        }
    }
}

/// What the cache says about one request.
private struct Entry {
    static let maximumBytes = 4_096

    let request: CollateralRequest
    let content: Digest
    let issuers: Digest?
    let fetched: Timestamp
    /// From when until when it holds, for people who look into the folder; readers prove it themselves.
    let start: Timestamp
    let end: Timestamp

    var contentNames: [String] { [content.hex] + (issuers.map { [$0.hex] } ?? []) }

    var json: JSON {
        var members: [String: JSON] = [
            "format": "cloister-collateral-entry/1", "request": .string(request.path),
            "content": .string(content.description), "fetched": .integer(fetched.seconds),
            "validFrom": .integer(start.seconds), "validUntil": .integer(end.seconds),
        ]
        if let issuers { members["issuers"] = .string(issuers.description) }
        return .object(members)
    }
}

extension Entry {
    /// Nil for a damaged file.
    init?(_ bytes: [UInt8]) {
        guard let json = try? JSON.parse(bytes), let entry = try? Entry(json: json) else { return nil }
        self = entry
    }

    private init(json: JSON) throws(Refusal) {
        var reader = try ObjectReader(json, "cache entry", refusing: .collateralInvalid)
        try reader.format("cloister-collateral-entry/1")
        guard let request = CollateralRequest(path: try reader.string("request")) else {
            throw Refusal(.collateralInvalid, "the cache entry is for a request that is not known")
        }
        self.request = request
        content = try reader.digest("content")
        issuers = reader.has("issuers") ? try reader.digest("issuers") : nil
        fetched = try reader.time("fetched")
        // Times are added to; nothing was fetched after the year 9999.
        guard (0...253_402_300_799).contains(fetched.seconds) else {
            throw Refusal(.collateralInvalid, "the cache entry has a time that cannot be")
        }
        start = try reader.time("validFrom")
        end = try reader.time("validUntil")
        try reader.finish()
    }
}
