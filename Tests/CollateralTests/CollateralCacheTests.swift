import Collateral
import Encoding
import Evidence
import Foundation
import TestSupport
import Testing

@Suite("Collateral on disk")
struct CollateralCacheTests {
    private typealias Vendors = SimulatedVendors

    /// Files under the cache, by path.
    private func files(_ vendors: SimulatedVendors, _ kind: String) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(
            at: vendors.folder.url.appending(path: "cache/\(kind)"), includingPropertiesForKeys: nil)
    }

    @Test func `another process finds what one has fetched, and asks nobody`() async throws {
        let vendors = try Vendors()
        let first = try await vendors.dcap(try vendors.client())
        let silent = try Vendors(publishes: false)
        let other = CollateralClient(
            services: Vendors.services, transport: silent.service, cache: try vendors.cache,
            anchors: vendors.anchors, clock: vendors.clock.wall)
        #expect(try await vendors.dcap(other) == first)
        #expect(silent.service.asked.isEmpty)
    }

    @Test func `a process that runs finds what another has fetched since`() async throws {
        let vendors = try Vendors()
        let old = try vendors.client()
        _ = try await vendors.dcap(old)
        vendors.clock.set(Vendors.start + 13 * Vendors.day)
        try vendors.publish(at: Vendors.start + 12 * Vendors.day)
        let newer = try await refreshed(vendors, try vendors.client())
        vendors.service.answerAll(.silence)
        let asked = vendors.service.asked.count
        #expect(try await refreshed(vendors, old) == newer)
        #expect(vendors.service.asked.count == asked)
    }

    private func refreshed(_ vendors: SimulatedVendors, _ client: CollateralClient) async throws -> DCAPCollateral {
        _ = try await vendors.dcap(client)
        await client.settle()
        return try await vendors.dcap(client)
    }

    @Test func `what two items share is there once, and files are named by their content`() async throws {
        let vendors = try Vendors()
        _ = try await vendors.dcap(try vendors.client())
        // Four items, and the chains of the signer and of the CA.
        let contents = try files(vendors, "content")
        #expect(contents.count == 6)
        #expect(try files(vendors, "entries").count == 4)
        for file in contents {
            #expect(Digest(of: [UInt8](try Data(contentsOf: file))).hex == file.lastPathComponent)
        }
        let attributes = try FileManager.default.attributesOfItem(
            atPath: vendors.folder.url.appending(path: "cache").path)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    /// How a file of the cache is damaged.
    enum Damage: String, CaseIterable {
        case changedByte, cutShort, gone, swapped, empty
    }

    @Test("a damaged file is noticed by its digest, and what it held is fetched again", arguments: Damage.allCases)
    func damaged(_ damage: Damage) async throws {
        let vendors = try Vendors()
        let first = try await vendors.dcap(try vendors.client())
        let contents = try files(vendors, "content")
        for file in contents {
            var bytes = try Data(contentsOf: file)
            switch damage {
            case .changedByte: bytes[bytes.count / 2] ^= 1
            case .cutShort: bytes.removeLast()
            case .gone: try FileManager.default.removeItem(at: file)
            case .swapped: bytes = try Data(contentsOf: contents[0] == file ? contents[1] : contents[0])
            case .empty: bytes = Data()
            }
            if damage != .gone { try bytes.write(to: file) }
        }
        if damage == .swapped {
            // A file with the right content survives by chance; the rest must be noticed.
            #expect(try vendors.cache.all().count < 4)
        } else {
            #expect(try vendors.cache.all().isEmpty)
        }
        #expect(try await vendors.dcap(try vendors.client()) == first)
        #expect(vendors.service.asked.count > 4)
        #expect(try vendors.cache.all().count == 4)
    }

    @Test(arguments: [
        "", "{}", "[]", "{\"format\":\"cloister-collateral-entry/1\"}",
        "{\"content\":\"DIGEST\",\"fetched\":9223372036854775807,\"format\":\"cloister-collateral-entry/1\","
            + "\"request\":\"sgx/certification/v4/rootcacrl\",\"validFrom\":0,\"validUntil\":0}",
        "{\"content\":\"DIGEST\",\"fetched\":0,\"format\":\"cloister-collateral-entry/1\","
            + "\"request\":\"../../etc/passwd\",\"validFrom\":0,\"validUntil\":0}",
    ])
    func `a damaged entry is as if it were not there`(_ text: String) async throws {
        let vendors = try Vendors()
        let first = try await vendors.dcap(try vendors.client())
        let text = text.replacing("DIGEST", with: Digest(of: Hex.decode(first.rootCACRL) ?? []).description)
        for file in try files(vendors, "entries") { try Data(text.utf8).write(to: file) }
        #expect(try vendors.cache.all().isEmpty)
        #expect(try await vendors.dcap(try vendors.client()) == first)
        #expect(try vendors.cache.all().count == 4)
    }

    @Test("what somebody wrote into the folder is proven again before it is used")
    func planted() async throws {
        let vendors = try Vendors()
        _ = try await vendors.dcap(try vendors.client())
        let request = CollateralRequest.tcbInfo(.sgx, fmspc: vendors.fmspc, .standard)
        let real = try #require(try vendors.cache.stored(request))
        // As it would be after a recovery, had Intel signed it.
        let text = String(decoding: real.item.content, as: UTF8.self)
        let forged = CollateralItem(
            request: request, content: Array(text.replacing("OutOfDate", with: "UpToDate").utf8),
            issuers: real.item.issuers)
        try vendors.cache.store(
            forged, fetched: vendors.clock.now, from: Vendors.start, until: Vendors.start + Vendors.day)
        #expect(try vendors.cache.stored(request)?.item == forged)
        #expect(try await vendors.dcap(try vendors.client()) == Vendors.published(at: Vendors.start).sgx)
        vendors.service.answerAll(.silence)
        try vendors.cache.store(
            forged, fetched: vendors.clock.now, from: Vendors.start, until: Vendors.start + Vendors.day)
        let refused = await refusal { _ = try await vendors.dcap(try vendors.client()) }
        #expect(refused?.code == .collateralUnavailable)
    }

    @Test("AC-159 entries and bytes are bounded, and the oldest leave")
    func bounded() throws {
        let folder = try TemporaryFolder()
        var limits = CollateralCache.Limits()
        limits.entries = 16
        limits.bytes = 20_000
        let cache = try CollateralCache(folder: folder.url.path, limits: limits)
        func request(_ number: UInt8) -> CollateralRequest {
            .tcbInfo(.sgx, fmspc: [0, 0, 0, 0, 0, number], .standard)
        }
        func store(_ number: UInt8, bytes: Int) throws {
            try cache.store(
                CollateralItem(
                    request: request(number), content: [UInt8](repeating: number, count: bytes), issuers: "shared"),
                fetched: Timestamp(seconds: Int64(number)), from: Vendors.start, until: Vendors.start + 1)
        }
        for number in 1...40 as ClosedRange<UInt8> {
            try store(number, bytes: 100)
            #expect(cache.all().count <= 16)
        }
        #expect(cache.stored(request(40))?.item.issuers == "shared")
        #expect(cache.stored(request(1)) == nil)
        try store(50, bytes: 15_000)
        try store(51, bytes: 15_000)
        #expect(cache.all().map(\.item.request) == [request(51)])
        #expect(cache.stored(request(51))?.item.issuers == "shared")
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.appending(path: "content").path)
        #expect(left.count == 2)
    }

    @Test func `a folder that cannot be written does not keep evidence from being judged`() async throws {
        let vendors = try Vendors()
        let client = try vendors.client()
        try FileManager.default.removeItem(at: vendors.folder.url.appending(path: "cache"))
        #expect(try await vendors.dcap(client) == Vendors.published(at: Vendors.start).sgx)
        #expect(try vendors.cache.all().isEmpty)
    }

    @Test func `a folder that cannot be made is refused`() throws {
        let folder = try TemporaryFolder()
        try Data().write(to: folder.url.appending(path: "file"))
        #expect(throws: Refusal.self) { try CollateralCache(folder: folder.url.path + "/file/cache") }
    }
}
