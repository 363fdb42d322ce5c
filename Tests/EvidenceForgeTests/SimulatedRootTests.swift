import Encoding
import Evidence
import EvidenceForge
import Testing

@Suite("Root files of simulators")
struct SimulatedRootTests {
    private func root() throws -> SimulatedRoot { try World.forge.get().root }

    private func members(_ root: SimulatedRoot) throws -> [String: JSON] { try #require(root.json.object) }

    @Test func `a file names a root for documents and one for virtual TPMs, and reads back`() throws {
        let root = try root()
        let members = try members(root)
        #expect(Set(members.keys) == ["format", "sgxRoot", "arks", "nitroRoot", "vtpmRoot"])
        #expect(try SimulatedRoot(json: JSON.object(members).canonical) == root)
    }

    @Test func `the file of an older simulator is read, and trusts nothing that it does not name`() throws {
        var members = try members(try root())
        members["nitroRoot"] = nil
        members["vtpmRoot"] = nil
        let older = try SimulatedRoot(json: JSON.object(members).canonical)
        let sgxRoot = try root().sgxRoot
        #expect(older.nitroRoot == nil && older.vtpmRoot == nil && older.sgxRoot == sgxRoot)
        let roles = Set(TrustAnchors().trusting(older).all.map(\.role))
        #expect(roles == [.dcap, .ark(.milan), .ark(.genoa), .ark(.turin)])
        let verifier = EvidenceVerifier(anchors: TrustAnchors.vendors.trusting(older))
        for name in ["nitro-right", "tpm-right", "hcl-right"] {
            let made = try #require(Catalogue.named(name)).make(try World.forge.get())
            let verdict = verifier.verify(
                made.evidence, tee: made.tee, collateral: made.collateral, at: made.time, reportData: made.binding)
            #expect(verdict.code == .simulatedRoot, "\(name)")
        }
    }

    @Test func `a root counts for its own role only, and as simulated`() throws {
        let anchors = TrustAnchors().trusting(try root())
        #expect(anchors.all.allSatisfy { $0.grade == .simulated })
        #expect(
            Set(anchors.all.map(\.role))
                == [.dcap, .ark(.milan), .ark(.genoa), .ark(.turin), .nitro, .azureVTPM, .googleVTPM])
        #expect(Set(anchors.all.map(\.pin)).count == 6)
    }

    @Test("a root that is not marked as simulated is refused", arguments: ["nitroRoot", "vtpmRoot"])
    func unmarked(_ name: String) throws {
        var members = try members(try root())
        // The certificate of an authority below another root: neither self-signed nor marked.
        let keys = try KeyRing.forged(seed: "unmarked")
        let dates = Dates(issued: Timestamp(seconds: 0), collateral: Timestamp(seconds: 0))
        members[name] = .string(try VTPMChainRecipe.standard(keys: keys, dates: dates).authority.pem())
        let refusal = #expect(throws: Refusal.self) { try SimulatedRoot(json: JSON.object(members).canonical) }
        #expect(refusal?.code == .insecureConfiguration)
    }
}
