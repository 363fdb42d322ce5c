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
        let rawP384 = try rateOfRawP384()
        let snp = try rateOfSNP(vectors)
        let rawAgain = try rateOfRawP384()
        let sgx = try rateOfSGX(vectors)
        let result: JSON = [
            "rawP384": .number((rawP384 + rawAgain) / 2), "snpWarm": .number(snp), "sgxWarm": .number(sgx),
        ]
        print(result.text)
    }

    private static func bytes(_ folder: URL, _ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: path)))
    }

    /// P-384 signature verification of the same crypto library over a report's length.
    private static func rateOfRawP384() throws -> Double {
        let key = P384.Signing.PrivateKey()
        let message = [UInt8](repeating: 7, count: 0x2a0)
        let signature = try key.signature(for: message)
        return try measure { key.publicKey.isValidSignature(signature, for: message) }
    }

    /// A SEV-SNP report whose endorsement chain was verified before.
    private static func rateOfSNP(_ vectors: URL) throws -> Double {
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
        return try rate(report, .snp, collateral, at: 1_739_568_114)
    }

    /// An SGX quote whose collateral and chain were verified before.
    private static func rateOfSGX(_ vectors: URL) throws -> Double {
        let quote = try bytes(vectors, "sgx/phala-00a067/quote.bin")
        let json = try JSON.parse(try bytes(vectors, "sgx/phala-00a067/collateral.json"))
        return try rate(quote, .sgx, .dcap(try DCAPCollateral(json: json)), at: 1_750_334_171)
    }

    private static func rate(
        _ evidence: [UInt8], _ tee: TEE, _ collateral: EvidenceCollateral, at seconds: Int64
    ) throws -> Double {
        let verifier = EvidenceVerifier(anchors: .vendors)
        let time = Timestamp(seconds: seconds)
        return try measure { verifier.verify(evidence, tee: tee, collateral: collateral, at: time).accepted }
    }

    /// Runs for about two seconds of CPU time after a warm-up; every call must succeed.
    private static func measure(_ body: () -> Bool) throws -> Double {
        for _ in 0..<50 { guard body() else { throw Failure() } }
        var count = 0
        let start = cpuSeconds()
        var elapsed = 0.0
        while elapsed < 2 {
            for _ in 0..<50 { guard body() else { throw Failure() } }
            count += 50
            elapsed = cpuSeconds() - start
        }
        return Double(count) / elapsed
    }

    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    struct Failure: Error {}
}
