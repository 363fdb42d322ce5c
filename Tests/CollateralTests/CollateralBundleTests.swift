import Collateral
import Encoding
import Evidence
import TestSupport
import Testing

@Suite("Collateral to carry")
struct CollateralBundleTests {
    private typealias Vendors = SimulatedVendors

    /// What a machine with a way to the services has fetched for one SGX platform and one SNP chip.
    private func exported() async throws -> (SimulatedVendors, CollateralBundle) {
        let vendors = try Vendors()
        let client = try vendors.client()
        _ = try await vendors.dcap(client)
        let chip = try Vendors.chip()
        _ = try await client.snp(product: chip.product, chipID: chip.id, tcb: chip.tcb, at: vendors.clock.now)
        return (vendors, try vendors.cache.bundle(vendors.anchors, at: vendors.clock.now))
    }

    @Test func `a bundle that was written is read back, and is complete`() async throws {
        let (vendors, bundle) = try await exported()
        #expect(bundle.items.count == 7)
        let read = try CollateralBundle(parsing: bundle.json.canonical)
        #expect(read == bundle)
        #expect(read.json == bundle.json)
        #expect(try read.proven(vendors.anchors, at: Vendors.start).count == 7)
        // The signer's chain, the CA's, and AMD's are shared.
        #expect(bundle.json["content"]?.object?.count == 9)
    }

    @Test func `where no service can be reached, an imported bundle answers`() async throws {
        let (_, bundle) = try await exported()
        let isolated = try Vendors(publishes: false)
        #expect(
            try isolated.cache.add(
                CollateralBundle(parsing: bundle.json.canonical), isolated.anchors, at: isolated.clock.now) == 7)
        let client = CollateralClient(
            services: CollateralServices(), transport: nil, cache: try isolated.cache, anchors: isolated.anchors,
            clock: isolated.clock.wall)
        let published = try Vendors.published(at: Vendors.start)
        #expect(try await isolated.dcap(client) == published.sgx)
        let chip = try Vendors.chip()
        #expect(
            try await client.snp(
                product: chip.product, chipID: chip.id, tcb: chip.tcb, at: isolated.clock.now) == published.snp)
        isolated.clock.advance(31 * Vendors.day)
        let refused = await refusal { _ = try await isolated.dcap(client) }
        #expect(refused?.code == .collateralInvalid)
    }

    @Test func `a bundle can be used without a cache, as of its own time`() async throws {
        let (vendors, bundle) = try await exported()
        let client = try CollateralClient(bundle, anchors: vendors.anchors, at: Vendors.start)
        #expect(try await vendors.dcap(client, at: Vendors.start) == Vendors.published(at: Vendors.start).sgx)
        #expect(throws: Refusal.self) {
            try CollateralClient(bundle, anchors: vendors.anchors, at: Vendors.start + 31 * Vendors.day)
        }
        #expect(throws: Refusal.self) { try CollateralClient(bundle, anchors: .vendors, at: Vendors.start) }
    }

    @Test("AC-012 one item that is tampered with keeps the whole bundle out")
    func tampered() async throws {
        let (_, bundle) = try await exported()
        let isolated = try Vendors(publishes: false)
        for index in bundle.items.indices {
            var changed = bundle
            let item = bundle.items[index]
            var content = item.content
            content[content.count / 2] ^= 1
            changed.items[index] = CollateralItem(request: item.request, content: content, issuers: item.issuers)
            let refused = await refusal {
                try isolated.cache.add(
                    CollateralBundle(parsing: changed.json.canonical), isolated.anchors, at: isolated.clock.now)
            }
            #expect(refused?.code == .collateralInvalid, Comment(rawValue: item.request.path))
        }
        // Genuine items under each other's names.
        var swapped = bundle
        let (first, second) = (bundle.items[0], bundle.items[1])
        swapped.items[0] = CollateralItem(request: first.request, content: second.content, issuers: second.issuers)
        let refused = await refusal {
            try isolated.cache.add(swapped, isolated.anchors, at: isolated.clock.now)
        }
        #expect(refused?.code == .collateralInvalid)
        #expect(try isolated.cache.all().isEmpty)
    }

    @Test("AC-012 a bundle that has ended, or has not begun, is not imported", arguments: [31, -1])
    func outOfTime(_ days: Int64) async throws {
        let (_, bundle) = try await exported()
        let isolated = try Vendors(publishes: false)
        let refused = await refusal {
            try isolated.cache.add(bundle, isolated.anchors, at: Vendors.start + days * Vendors.day)
        }
        #expect(refused?.code == .collateralInvalid)
        #expect(try isolated.cache.all().isEmpty)
    }

    @Test func `an older bundle does not take the place of what was issued later`() async throws {
        let (vendors, bundle) = try await exported()
        try vendors.publish(at: Vendors.start + 12 * Vendors.day)
        vendors.clock.set(Vendors.start + 13 * Vendors.day)
        let client = try vendors.client(isCached: false)
        let newer = try await vendors.dcap(client)
        let fresh = try Vendors(publishes: false)
        let online = CollateralClient(
            services: Vendors.services, transport: vendors.service, cache: try fresh.cache, anchors: fresh.anchors,
            clock: vendors.clock.wall)
        _ = try await vendors.dcap(online)
        // The bundle's certificates are new here, its four items of Intel's are not.
        #expect(try fresh.cache.add(bundle, fresh.anchors, at: vendors.clock.now) == 3)
        #expect(try await vendors.dcap(online) == newer)
    }

    @Test func `what has ended is not exported`() async throws {
        let (vendors, _) = try await exported()
        let later = Vendors.start + 31 * Vendors.day
        // Certificates outlast lists and documents.
        #expect(
            try vendors.cache.bundle(vendors.anchors, at: later).items.map(\.request.what).sorted()
                == ["ASK and ARK", "VCEK"])
        #expect(try vendors.cache.bundle(.vendors, at: Vendors.start).items.isEmpty)
    }

    @Test(arguments: [
        "", "{", "[]", "{\"format\":\"cloister-collateral/2\",\"items\":[],\"content\":{}}",
        "{\"format\":\"cloister-collateral/1\",\"items\":[]}",
        "{\"format\":\"cloister-collateral/1\",\"items\":[],\"content\":{},\"more\":1}",
        "{\"format\":\"cloister-collateral/1\",\"items\":[],\"content\":{\"a\":\"AA\"}}",
        "{\"format\":\"cloister-collateral/1\",\"items\":[{\"request\":\"x\",\"content\":\"a\"}],\"content\":{\"a\":\"AA\"}}",
        "{\"format\":\"cloister-collateral/1\",\"items\":[{\"request\":\"sgx/certification/v4/rootcacrl\","
            + "\"content\":\"a\"}],\"content\":{\"a\":\"AA\"}}",
        "{\"format\":\"cloister-collateral/1\",\"items\":[{\"request\":\"sgx/certification/v4/rootcacrl\","
            + "\"content\":\"DIGEST\"},{\"request\":\"sgx/certification/v4/rootcacrl\",\"content\":\"DIGEST\"}],"
            + "\"content\":{\"DIGEST\":\"AA\"}}",
    ])
    func `a file that is no bundle is refused`(_ text: String) {
        let text = text.replacing("DIGEST", with: Digest(of: [0]).description)
        #expect(throws: Refusal.self) { try CollateralBundle(parsing: Array(text.utf8)) }
    }

    @Test("AC-159 a file beyond the limit is refused before it is parsed")
    func large() async {
        let bytes = [UInt8](repeating: 0x20, count: CollateralBundle.maximumBytes + 1)
        let refused = await refusal { _ = try CollateralBundle(parsing: bytes) }
        #expect(refused?.detail.contains("at most") == true)
    }
}
