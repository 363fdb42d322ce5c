import Encoding
import Evidence

/// What `--trust` names: the root file of a simulated TEE, a state folder that holds one, or a root certificate in PEM.
enum TrustArgument {
    /// The vendors' roots and those that the user named. What a named root vouches for is never of hardware grade:
    /// only the vendors' own roots are built in.
    static func anchors(_ paths: [String], beyond known: TrustAnchors = .vendors) throws -> TrustAnchors {
        var anchors = known
        for path in paths {
            let file = Files.isFolder(path) ? StateFolder(path: path).simulatedRoot : path
            let bytes = try Files.readArgument(file, maximumBytes: 1 << 20)
            if let json = try? JSON.parse(bytes), json["format"] != nil {
                do throws(Refusal) { anchors = anchors.trusting(try SimulatedRoot(json: bytes)) } catch {
                    throw CommandFailure.usage("\(path): \(error.detail)")
                }
                continue
            }
            guard let chain = try? Certificate.chain(pem: String(decoding: bytes, as: UTF8.self)), let root = chain.last
            else {
                throw CommandFailure.usage("\(path) is neither a root file nor a certificate in PEM")
            }
            let product = SNPProduct.allCases.first { root.subjectCommonName.contains("ARK-\($0.rawValue)") }
            if let product {
                anchors = anchors.trusting(root, as: .ark(product), grade: .simulated)
            } else {
                anchors = anchors.trusting(root, as: .dcap, grade: .simulated)
            }
        }
        return anchors
    }
}
