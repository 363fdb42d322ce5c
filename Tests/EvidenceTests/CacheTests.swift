import Encoding
import Evidence
import Testing

@Suite("What a verifier remembers")
struct CacheTests {
    @Test func `remembered collateral ends when it ends`() throws {
        let built = try SGXFixture().built()
        let verifier = EvidenceVerifier(anchors: built.anchors)
        func code(_ time: Timestamp) -> RefusalCode? {
            verifier.verify(built.quote, tee: .sgx, collateral: .dcap(built.collateral), at: time).code
        }
        #expect(code(SGXFixture.time) == nil)
        let end = try #require(Timestamp(rfc3339: "2025-07-01T00:00:00Z"))
        #expect(code(end - 1) == nil && code(end) == .collateralInvalid)
        #expect(code(Timestamp(seconds: 2_000_000_001)) == .evidenceChain)
        #expect(code(SGXFixture.time) == nil)
    }

    @Test func `a remembered endorsement ends when it ends`() throws {
        let built = try SNPFixture().built()
        let verifier = EvidenceVerifier(anchors: built.anchors)
        func code(_ seconds: Int64) -> RefusalCode? {
            verifier.verify(
                built.report, tee: .snp, collateral: .snp(built.collateral), at: Timestamp(seconds: seconds)
            ).code
        }
        #expect(code(1_750_000_000) == nil && code(2_000_000_000) == nil)
        #expect(code(2_000_000_001) == .evidenceChain && code(1_699_999_999) == .evidenceChain)
    }

    @Test func `a warm verifier judges each quote by its own bytes`() throws {
        var fixture = SGXFixture()
        let good = try fixture.built()
        let verifier = EvidenceVerifier(anchors: good.anchors)
        func verdict(_ quote: [UInt8], _ collateral: DCAPCollateral) -> Verdict {
            verifier.verify(quote, tee: .sgx, collateral: .dcap(collateral), at: SGXFixture.time)
        }
        #expect(verdict(good.quote, good.collateral).accepted)
        // The same platform and attestation key, another enclave.
        fixture.enclave[64] = 0x77
        let other = try fixture.built()
        let otherVerdict = verdict(try mixed(other.quote, platformOf: good.quote), good.collateral)
        #expect(otherVerdict.accepted && otherVerdict.claims["x-ms-sgx-mrenclave"]?.string?.hasPrefix("77") == true)
        // Another quote's signature, the remembered platform.
        var forged = good.quote
        forged.replaceSubrange(436..<500, with: other.quote[436..<500])
        #expect(verdict(forged, good.collateral).code == .evidenceSignature)
    }

    /// Header, body and quote signature of one quote, everything after of another of the same platform.
    private func mixed(_ quote: [UInt8], platformOf platform: [UInt8]) throws -> [UInt8] {
        // The length in between is the platform's: DER signatures in its certificates vary by a byte or two.
        Array(quote[..<432]) + platform[432..<436] + quote[436..<500] + platform[500...]
    }

    @Test func `failures are not remembered and do not stand in for what is good`() throws {
        var fixture = SGXFixture()
        let good = try fixture.built()
        let verifier = EvidenceVerifier(anchors: good.anchors)
        fixture.rootList.key = .newP256()
        let bad = try fixture.built().collateral
        for _ in 0..<2 {
            #expect(
                verifier.verify(good.quote, tee: .sgx, collateral: .dcap(bad), at: SGXFixture.time).code
                    == .collateralInvalid)
            #expect(
                verifier.verify(good.quote, tee: .sgx, collateral: .dcap(good.collateral), at: SGXFixture.time).accepted
            )
        }
    }

    @Test func `an absent revocation list and an empty one are not the same collateral`() throws {
        let built = try SNPFixture().built()
        let verifier = EvidenceVerifier(anchors: built.anchors)
        let empty = SNPCollateral(vek: built.collateral.vek, chain: built.collateral.chain, crl: [])
        #expect(empty != built.collateral)
        func code(_ collateral: SNPCollateral) -> RefusalCode? {
            verifier.verify(built.report, tee: .snp, collateral: .snp(collateral), at: SNPFixture.time).code
        }
        #expect(code(built.collateral) == nil && code(empty) == .collateralInvalid && code(built.collateral) == nil)
    }

    @Test func `more platforms than the cache holds are all judged rightly`() throws {
        let platforms = try (0..<5).map { _ in try SNPFixture().built() }
        let anchors = platforms.reduce(TrustAnchors.vendors) {
            $0.trusting($1.root, as: .ark(.genoa), grade: .hardware)
        }
        let verifier = EvidenceVerifier(anchors: anchors, cacheCapacity: 2)
        for _ in 0..<3 {
            for (index, platform) in platforms.enumerated() {
                let other = platforms[(index + 1) % platforms.count]
                #expect(
                    verifier.verify(
                        platform.report, tee: .snp, collateral: .snp(platform.collateral), at: SNPFixture.time
                    ).accepted)
                #expect(
                    verifier.verify(
                        platform.report, tee: .snp, collateral: .snp(other.collateral), at: SNPFixture.time
                    ).code == .evidenceSignature)
            }
        }
    }

    @Test func `roots of one verifier mean nothing to another`() throws {
        let built = try SNPFixture().built()
        let trusting = EvidenceVerifier(anchors: built.anchors)
        let production = EvidenceVerifier(anchors: .vendors)
        for (verifier, code) in [(trusting, RefusalCode?.none), (production, .untrustedRoot), (trusting, nil)] {
            let verdict = verifier.verify(
                built.report, tee: .snp, collateral: .snp(built.collateral), at: SNPFixture.time)
            #expect(verdict.code == code)
        }
    }
}
