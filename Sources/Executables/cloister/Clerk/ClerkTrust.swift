import AttestationToken
import Encoding
import Evidence

/// What the hospital's portal folder pins: exactly what the page in a browser would start from.
struct ClerkTrust: Sendable {
    let party: Digest
    let policy: PartyPolicy
    /// The policy as signed.
    let policyText: String
    let platformParty: Digest
    let platformURL: String
    let attestationURLs: [String]
    let anchors: TrustAnchors

    /// - Parameters:
    ///   - folder: with `config.json` and the policy beside it.
    ///   - simulatedRoot: the root file whose keys `config.json` pins.
    init(folder: String, simulatedRoot: String, at time: Timestamp) throws {
        let json = try Files.json(folder + "/config.json")
        guard json["format"]?.string == "cloister-portal/1", let party = json["party"]?.string.flatMap({ Digest($0) }),
            let policyFile = json["policy"]?.string, !policyFile.contains("/"),
            let platform = json["platform"], let platformURL = platform["url"]?.string,
            let platformParty = platform["party"]?.string.flatMap({ Digest($0) }),
            let attestation = json["attestation"]?.array?.compactMap({ $0["url"]?.string }), !attestation.isEmpty
        else { throw CommandFailure("\(folder)/config.json is not a portal's configuration") }
        self.party = party
        self.platformParty = platformParty
        self.platformURL = platformURL
        attestationURLs = attestation
        policyText = try Files.line(folder + "/" + policyFile)
        policy = try PartyPolicy(compact: policyText, pinned: party, at: time)
        let root = try SimulatedRoot(json: try Files.read(simulatedRoot, maximumBytes: 1 << 20))
        let pinned = Set((json["evidenceRoots"]?.array ?? []).compactMap { $0["pin"]?.string })
        let anchors = TrustAnchors.vendors.trusting(root)
        guard
            anchors.all.allSatisfy({ PortalFolder.kind(of: $0.role) == nil || pinned.contains($0.pin.description) })
        else {
            throw CommandFailure("the evidence roots that the portal pins are not those of this installation")
        }
        self.anchors = anchors
    }
}
