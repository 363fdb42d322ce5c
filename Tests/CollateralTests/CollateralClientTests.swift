import Collateral
import Encoding
import Evidence
import SimulatedTEE
import TestSupport
import Testing

@Suite("Collateral from services")
struct CollateralClientTests {
    private typealias Vendors = SimulatedVendors

    // MARK: Getting it

    @Test func `what the services publish is put together, and evidence verifies with it`() async throws {
        let vendors = try Vendors()
        let collateral = try await vendors.dcap(try vendors.client())
        #expect(try collateral == Vendors.published(at: Vendors.start).sgx)
        let verdict = EvidenceVerifier(anchors: vendors.anchors).verify(
            try Vendors.evidence(.sgx), tee: .sgx, collateral: .dcap(collateral), at: Vendors.start)
        #expect(verdict.accepted, Comment(rawValue: verdict.json.text))
    }

    @Test func `a VCEK is found by chip and TCB, with its issuers and list`() async throws {
        let vendors = try Vendors()
        let chip = try Vendors.chip()
        let found = try await vendors.client().snp(
            product: chip.product, chipID: chip.id, tcb: chip.tcb, at: vendors.clock.now)
        #expect(try found == Vendors.published(at: Vendors.start).snp)
        // The chain is asked for once: the certificate and the list share it.
        #expect(vendors.service.asked.count == 3)
    }

    @Test func `only the list is asked for where the certificates come with the evidence`() async throws {
        let vendors = try Vendors()
        let list = try await vendors.client().snpCRL(product: "Milan", kind: .vcek, at: vendors.clock.now)
        #expect(try list == Vendors.published(at: Vendors.start).snp.crl)
        #expect(!vendors.service.asked.contains { $0.contains("SPL") })
    }

    @Test func `a report that hides its chip has no VCEK, and nobody is asked`() async throws {
        let vendors = try Vendors()
        let client = try vendors.client()
        let tcb = try Vendors.chip().tcb
        for id in [[], [UInt8](repeating: 0, count: 64), [UInt8](1...63)] {
            let refused = await refusal {
                _ = try await client.snp(product: .milan, chipID: id, tcb: tcb, at: vendors.clock.now)
            }
            #expect(refused?.code == .collateralInvalid)
        }
        let tooLong = await refusal {
            _ = try await client.snp(product: .turin, chipID: [UInt8](1...9), tcb: tcb, at: vendors.clock.now)
        }
        #expect(tooLong?.code == .collateralInvalid)
        #expect(vendors.service.asked.isEmpty)
    }

    @Test(
        "AC-072 names from evidence become requests only in their own form",
        arguments: [("snp", 6, "processor"), ("sgx", 5, "processor"), ("sgx", 6, "root"), ("sgx", 6, "processor&a=b")])
    func strangeNames(_ tee: String, _ length: Int, _ ca: String) async throws {
        let vendors = try Vendors()
        let client = try vendors.client()
        let refused = await refusal {
            _ = try await client.dcap(
                tee: try #require(TEE(rawValue: tee)), fmspc: [UInt8](repeating: 0, count: length), ca: ca,
                at: vendors.clock.now)
        }
        #expect(refused?.code == .collateralInvalid)
        let product = await refusal {
            _ = try await client.snpCRL(product: "Milan/../../x", kind: .vcek, at: vendors.clock.now)
        }
        #expect(product?.code == .collateralInvalid)
        #expect(vendors.service.asked.isEmpty)
    }

    @Test func `everything is asked for once, and then answered from memory`() async throws {
        let vendors = try Vendors()
        let client = try vendors.client()
        let first = try await vendors.dcap(client)
        vendors.clock.advance(Vendors.day)
        #expect(try await vendors.dcap(client) == first)
        await client.settle()
        #expect(vendors.service.asked.count == 4)
    }

    @Test("callers at the same time share one request")
    func coalescing() async throws {
        let gate = Gate()
        let vendors = try Vendors(gate: gate)
        let client = try vendors.client()
        let time = vendors.clock.now
        let found = try await withThrowingTaskGroup(of: DCAPCollateral.self) { group in
            for _ in 0..<8 {
                group.addTask { try await client.dcap(tee: .sgx, fmspc: vendors.fmspc, ca: "processor", at: time) }
            }
            // TCB info, QE identity and PCK list; the root list waits for the last.
            await gate.arrivals(3)
            #expect(vendors.service.asked.count == 3)
            await gate.open()
            return try await group.reduce(into: Set<DCAPCollateral>()) { $0.insert($1) }
        }
        #expect(found.count == 1)
        #expect(Set(vendors.service.asked).count == 4 && vendors.service.asked.count == 4)
    }

    @Test("AC-162 requests in flight are bounded, and who comes then is told to ask again")
    func bounded() async throws {
        let gate = Gate()
        let vendors = try Vendors(gate: gate)
        let client = try vendors.client()
        let time = vendors.clock.now
        await withTaskGroup(of: Void.self) { group in
            for product in 0..<64 {
                group.addTask {
                    // Each has another FMSPC: documents that nobody answers for yet.
                    _ = await refusal {
                        _ = try await client.dcap(
                            tee: .sgx, fmspc: [1, 0, 0, 0, 0, UInt8(product)], ca: "platform", at: time)
                    }
                }
            }
            await gate.arrivals(64)
            let refused = await refusal {
                _ = try await client.snpCRL(product: "Milan", kind: .vcek, at: time)
            }
            #expect(refused?.code == .collateralUnavailable && refused?.detail.contains("ask again") == true)
            await gate.open()
        }
        #expect(try await client.snpCRL(product: "Milan", kind: .vcek, at: time) != nil)
    }

    // MARK: Wrong answers

    /// How an answer is broken.
    enum Fault: String, CaseIterable {
        case truncated, empty, notJSON, otherFMSPC, otherDocument, changedByte, noChain, brokenChain, foreignChain, huge
    }

    @Test(
        "AC-012 an answer that is not what was asked for, whole and signed, is refused and not kept",
        arguments: Fault.allCases)
    func wrongAnswer(_ fault: Fault) async throws {
        let vendors = try Vendors()
        let url = vendors.tcbInfoURL
        let good = try #require(vendors.service[url])
        guard case .response(var response) = good else { return }
        switch fault {
        case .truncated: response.body.removeLast(40)
        case .empty: response.body = []
        case .notJSON: response.body = Array("<html>sign in</html>".utf8)
        case .otherFMSPC, .otherDocument: break
        case .changedByte: response.body[200] ^= 1
        case .noChain: response.headers = [:]
        case .brokenChain: response.headers["tcb-info-issuer-chain"]? += "%2"
        case .foreignChain:
            let other = try DevelopmentRoot.make(at: Vendors.start, keys: .quick)
            let foreign = Vendors.Published(try EvidenceFactory(root: other).collateral(at: Vendors.start)).sgx
            response = try #require(Vendors.intelAnswers(foreign, fmspc: vendors.fmspc)[url])
        case .huge: response.body += [UInt8](repeating: 0x20, count: CollateralResponse.maximumBytes)
        }
        var asked = vendors.fmspc
        var place = url
        if fault == .otherFMSPC {
            asked = [1, 2, 3, 4, 5, 6]
            place = "\(Vendors.base)/sgx/certification/v4/tcb?fmspc=010203040506"
        }
        if fault == .otherDocument {
            guard case .response(let identity) = vendors.service["\(Vendors.base)/sgx/certification/v4/qe/identity"]
            else { return }
            response.body = identity.body
        }
        vendors.service[place] = .response(response)
        let client = try vendors.client()
        let refused = await refusal {
            _ = try await client.dcap(tee: .sgx, fmspc: asked, ca: "processor", at: vendors.clock.now)
        }
        #expect(refused?.code == .collateralInvalid)
        #expect(try vendors.cache.stored(.tcbInfo(.sgx, fmspc: asked, .standard)) == nil)

        // Asked again before the moment that the text names, nobody is; after it, a good answer counts.
        let count = vendors.service.asked.filter { $0 == place }.count
        _ = await refusal { _ = try await client.dcap(tee: .sgx, fmspc: asked, ca: "processor", at: vendors.clock.now) }
        #expect(vendors.service.asked.filter { $0 == place }.count == count)
        guard fault != .otherFMSPC else { return }
        vendors.service[url] = good
        vendors.clock.advance(10)
        _ = try await vendors.dcap(client)
    }

    @Test func `a list of the other CA, and one that the root did not sign, are refused`() async throws {
        let vendors = try Vendors()
        let processor = "\(Vendors.base)/sgx/certification/v4/pckcrl?ca=processor&encoding=der"
        vendors.service["\(Vendors.base)/sgx/certification/v4/pckcrl?ca=platform&encoding=der"] =
            vendors.service[processor]
        let refused = await refusal {
            _ = try await vendors.client().dcap(
                tee: .sgx, fmspc: vendors.fmspc, ca: "platform", at: vendors.clock.now)
        }
        #expect(refused?.detail.contains("platform CA") == true)
        // The PCK list in the root list's place.
        vendors.service[Vendors.rootList] = vendors.service[processor]
        let root = await refusal { _ = try await vendors.dcap(try vendors.client()) }
        #expect(root?.code == .collateralInvalid && root?.detail.contains("root revocation list") == true)
    }

    @Test func `a VCEK of another TCB is refused`() async throws {
        let vendors = try Vendors()
        let chip = try Vendors.chip()
        var tcb = chip.tcb
        tcb.microcode -= 1
        let request = CollateralRequest.endorsement(chip.product, chipID: chip.id, tcb: tcb)
        vendors.service["\(Vendors.amd)/\(request.path)"] = vendors.service["\(Vendors.amd)/\(chip.request.path)"]
        let refused = await refusal {
            _ = try await vendors.client().snp(
                product: chip.product, chipID: chip.id, tcb: tcb, at: vendors.clock.now)
        }
        #expect(refused?.detail.contains("another chip or TCB") == true)
    }

    @Test func `collateral under a root that is not trusted is refused, also from the cache`() async throws {
        let vendors = try Vendors()
        _ = try await vendors.dcap(try vendors.client())
        let strict = CollateralClient(
            services: Vendors.services, transport: vendors.service, cache: try vendors.cache, anchors: .vendors,
            clock: vendors.clock.wall)
        let refused = await refusal { _ = try await vendors.dcap(strict) }
        #expect(refused?.code == .collateralInvalid && refused?.detail.contains("not a root that is trusted") == true)
    }

    // MARK: Time

    @Test("AC-012 collateral that has ended, or has not begun, is refused and not kept", arguments: [31, -1])
    func outOfTime(_ days: Int64) async throws {
        let vendors = try Vendors()
        vendors.clock.advance(days * Vendors.day)
        let client = try vendors.client()
        let refused = await refusal { _ = try await vendors.dcap(client) }
        #expect(refused?.code == .collateralInvalid)
        #expect(refused?.detail.contains(days > 0 ? "was valid until" : "is not valid before") == true)
        #expect(try vendors.cache.all().isEmpty)
    }

    @Test func `an item is fetched anew when it is due, and the kept one is answered meanwhile`() async throws {
        let vendors = try Vendors()
        let client = try vendors.client()
        let first = try await vendors.dcap(client)
        vendors.clock.advance(8 * Vendors.day)
        try vendors.publish(at: Vendors.start + 12 * Vendors.day)
        // What was published meanwhile begins later than now: it is refused, and the kept one goes on.
        #expect(try await vendors.dcap(client) == first)
        await client.settle()
        #expect(try await vendors.dcap(client) == first)
        vendors.clock.set(Vendors.start + 13 * Vendors.day)
        #expect(try await vendors.dcap(client) == first)
        await client.settle()
        let second = try await vendors.dcap(client)
        #expect(try second == Vendors.published(at: Vendors.start + 12 * Vendors.day).sgx)
        #expect(second != first)
    }

    @Test func `nothing is asked for twice within ten minutes, however many ask`() async throws {
        let vendors = try Vendors()
        let client = try vendors.client()
        _ = try await vendors.dcap(client)
        vendors.clock.advance(8 * Vendors.day)
        for _ in 0..<5 {
            _ = try await vendors.dcap(client)
            await client.settle()
        }
        // The answer is the same as before, fetched eight days later: not due any more.
        #expect(vendors.service.asked.count == 8)
        vendors.clock.advance(17 * Vendors.day + 12 * 3_600)
        for _ in 0..<5 {
            _ = try await vendors.dcap(client)
            await client.settle()
        }
        // Less than a sixth remains and nothing newer is published: once in ten minutes.
        #expect(vendors.service.asked.count == 12)
        vendors.clock.advance(600)
        _ = try await vendors.dcap(client)
        await client.settle()
        #expect(vendors.service.asked.count == 16)
    }

    @Test("AC-162 services that fail do not matter while the kept item holds, and then it fails closed")
    func outage() async throws {
        let vendors = try Vendors()
        let client = try vendors.client()
        let first = try await vendors.dcap(client)
        vendors.service.answerAll(.silence)
        for day in [8, 20, 29] as [Int64] {
            vendors.clock.set(Vendors.start + day * Vendors.day)
            #expect(try await vendors.dcap(client) == first)
            await client.settle()
        }
        vendors.clock.set(Vendors.start + 30 * Vendors.day)
        let refused = await refusal { _ = try await vendors.dcap(client) }
        #expect(refused?.code == .collateralUnavailable && refused?.detail.contains("retry after") == true)
        // Another process, with the same cache, is in the same place.
        let other = await refusal { _ = try await vendors.dcap(try vendors.client()) }
        #expect(other?.code == .collateralUnavailable)
    }

    @Test func `an answer that was issued before the kept one does not take its place`() async throws {
        let vendors = try Vendors()
        try vendors.publish(at: Vendors.start + 12 * Vendors.day)
        vendors.clock.set(Vendors.start + 12 * Vendors.day)
        let client = try vendors.client()
        let newer = try await vendors.dcap(client)
        try vendors.publish(at: Vendors.start)
        vendors.clock.advance(8 * Vendors.day)
        _ = try await vendors.dcap(client)
        await client.settle()
        #expect(try await vendors.dcap(client) == newer)
        #expect(try await vendors.dcap(try vendors.client()) == newer)
    }

    // MARK: Back-off

    @Test("a service that answers 429 is left alone until Retry-After, whatever it is asked for")
    func tooMany() async throws {
        let vendors = try Vendors()
        let good = try #require(vendors.service["\(Vendors.amd)/vcek/v1/Milan/cert_chain"])
        vendors.service["\(Vendors.amd)/vcek/v1/Milan/cert_chain"] = .response(
            CollateralResponse(status: 429, headers: ["retry-after": "120"]))
        let client = try vendors.client()
        let chip = try Vendors.chip()
        func ask() async -> Refusal? {
            await refusal {
                _ = try await client.snp(
                    product: chip.product, chipID: chip.id, tcb: chip.tcb, at: vendors.clock.now)
            }
        }
        let refused = await ask()
        #expect(refused?.code == .collateralUnavailable)
        #expect(refused?.detail.contains("answered 429; retry after \(Vendors.start + 120)") == true)
        vendors.clock.advance(119)
        #expect(await ask()?.detail.contains("retry after \(Vendors.start + 120)") == true)
        let list = await refusal { _ = try await client.snpCRL(product: "Turin", kind: .vcek, at: vendors.clock.now) }
        #expect(list?.code == .collateralUnavailable)
        #expect(vendors.service.asked.count == 1)
        // Intel's service is another one.
        _ = try await vendors.dcap(client)
        vendors.service["\(Vendors.amd)/vcek/v1/Milan/cert_chain"] = good
        vendors.clock.advance(1)
        #expect(await ask() == nil)
    }

    @Test("without Retry-After the wait doubles, up to fifteen minutes")
    func doubling() async throws {
        let vendors = try Vendors(publishes: false)
        var services = CollateralServices()
        services.amd = Vendors.amd
        vendors.service["\(Vendors.amd)/vcek/v1/Milan/cert_chain"] = .silence
        let client = try vendors.client(services)
        for wait in [10, 20, 40, 80, 160, 320, 640, 900, 900] as [Int64] {
            let refused = await refusal {
                _ = try await client.snpCRL(product: "Milan", kind: .vcek, at: vendors.clock.now)
            }
            #expect(refused?.detail.contains("retry after \(vendors.clock.now + wait)") == true)
            vendors.clock.advance(wait)
        }
        #expect(vendors.service.asked.count == 9)
    }

    @Test func `requests that fail together count as one failure`() async throws {
        let vendors = try Vendors()
        vendors.service.answerAll(.silence)
        let client = try vendors.client()
        for wait in [10, 20] as [Int64] {
            // TCB info, QE identity and the PCK list, asked for at once or not at all.
            let refused = await refusal { _ = try await vendors.dcap(client) }
            #expect(refused?.detail.contains("retry after \(vendors.clock.now + wait)") == true)
            vendors.clock.advance(wait)
        }
    }

    @Test(arguments: [
        ("Sun, 22 Nov 2026 20:40:00 GMT", 80_000 as Int64), ("90000", 86_400), ("0", 1), ("soon", 10), ("-5", 10),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 1),
    ])
    func `Retry-After is seconds or a date, within a day`(_ header: String, _ wait: Int64) async throws {
        let vendors = try Vendors(publishes: false)
        var services = CollateralServices()
        services.amd = Vendors.amd
        vendors.service["\(Vendors.amd)/vcek/v1/Milan/cert_chain"] = .response(
            CollateralResponse(status: 503, headers: ["retry-after": header]))
        let refused = await refusal {
            _ = try await vendors.client(services).snpCRL(product: "Milan", kind: .vcek, at: vendors.clock.now)
        }
        #expect(
            refused?.detail.contains("retry after \(vendors.clock.now + wait)") == true,
            Comment(rawValue: refused?.detail ?? "accepted"))
    }

    @Test(arguments: [404, 500, 301, 401])
    func `another status concerns the item, not the service`(_ status: Int) async throws {
        let vendors = try Vendors()
        vendors.service["\(Vendors.amd)/vcek/v1/Genoa/cert_chain"] = .response(CollateralResponse(status: status))
        let client = try vendors.client()
        let refused = await refusal {
            _ = try await client.snpCRL(product: "Genoa", kind: .vcek, at: vendors.clock.now)
        }
        #expect(refused?.detail.contains("answered \(status)") == true)
        let code: RefusalCode = status == 500 ? .collateralUnavailable : .collateralInvalid
        #expect(refused?.code == code)
        // Nobody is asked again at once, and the reason is still the same.
        let again = await refusal {
            _ = try await client.snpCRL(product: "Genoa", kind: .vcek, at: vendors.clock.now)
        }
        #expect(again?.code == code && again?.detail.contains("failed before") == true)
        #expect(try await client.snpCRL(product: "Milan", kind: .vcek, at: vendors.clock.now) != nil)
    }

    @Test func `a client without services says what is missing`() async throws {
        let vendors = try Vendors()
        let client = CollateralClient(
            services: Vendors.services, transport: nil, cache: try vendors.cache, anchors: vendors.anchors,
            clock: vendors.clock.wall)
        let refused = await refusal { _ = try await vendors.dcap(client) }
        #expect(refused?.code == .collateralInvalid && refused?.detail.contains(Hex.encode(vendors.fmspc)) == true)
        let nobody = await refusal {
            _ = try await vendors.client(CollateralServices()).snpCRL(
                product: "Milan", kind: .vcek, at: vendors.clock.now)
        }
        #expect(nobody?.code == .collateralInvalid)
    }
}
