import Crypto
import Encoding
import Evidence
import Foundation

/// Rates of evidence verification, as one JSON line: verifications per second of CPU time, one thread.
///
/// Arguments: the vectors folder. The peers' rates over the same files come from `Peers/`, in the same run.
@main
enum EvidenceBenchmark {
    static func main() throws {
        guard CommandLine.arguments.count == 2 else {
            FileHandle.standardError.write(Data("usage: EvidenceBenchmark VECTORS\n".utf8))
            exit(2)
        }
        let vectors = URL(filePath: CommandLine.arguments[1])
        let rates = try Rates.measure([
            "rawP384": try rawP384(), "snpWarm": try snp(vectors), "sgxWarm": try sgx(vectors),
        ])
        print(JSON.object(rates.mapValues(JSON.number)).text)
    }

    private static func bytes(_ folder: URL, _ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: path)))
    }

    /// P-384 signature verification of the same crypto library over a report's length.
    private static func rawP384() throws -> () -> Bool {
        let key = P384.Signing.PrivateKey()
        let message = [UInt8](repeating: 7, count: 0x2a0)
        let signature = try key.signature(for: message)
        let publicKey = key.publicKey
        return { publicKey.isValidSignature(signature, for: message) }
    }

    /// A SEV-SNP report whose endorsement chain was verified before.
    private static func snp(_ vectors: URL) throws -> () -> Bool {
        let report = try bytes(vectors, "snp/milan-v3-routex/report.bin")
        // VCEK, ASK, ARK in one file.
        let chain = String(decoding: try bytes(vectors, "snp/milan-v3-routex/vcek-chain.pem"), as: UTF8.self)
        let end = "-----END CERTIFICATE-----\n"
        guard let cut = chain.range(of: end)?.upperBound else { throw Failure() }
        let issuers =
            chain[cut...].isEmpty
            ? String(decoding: try bytes(vectors, "snp/chains/milan/ask_ark_milan.pem"), as: UTF8.self)
            : String(chain[cut...])
        let collateral = EvidenceCollateral.snp(SNPCollateral(vek: String(chain[..<cut]), chain: issuers))
        return accepts(report, .snp, collateral, at: 1_739_568_114)
    }

    /// An SGX quote whose collateral and chain were verified before.
    private static func sgx(_ vectors: URL) throws -> () -> Bool {
        let quote = try bytes(vectors, "sgx/phala-00a067/quote.bin")
        let json = try JSON.parse(try bytes(vectors, "sgx/phala-00a067/collateral.json"))
        return accepts(quote, .sgx, .dcap(try DCAPCollateral(json: json)), at: 1_750_334_171)
    }

    /// Verification of one piece of evidence whose chain and collateral the verifier remembers after the first time.
    private static func accepts(
        _ evidence: [UInt8], _ tee: TEE, _ collateral: EvidenceCollateral, at seconds: Int64
    ) -> () -> Bool {
        let verifier = EvidenceVerifier(anchors: .vendors)
        let time = Timestamp(seconds: seconds)
        return { verifier.verify(evidence, tee: tee, collateral: collateral, at: time).accepted }
    }
}

struct Failure: Error {}
