import CAllocationCount
import Crypto
import CryptoExtras
import Encoding
import Evidence
import Foundation

/// Rates and allocations of evidence verification, as one JSON line.
///
/// Arguments: the vectors folder, and for a profile the names of the rates to measure, instead of everything; after
/// `--all-threads` the steps of one operation, for how many a second of the clock all threads of this machine do together.
/// The peers' rates over the same files come from `Peers/`, in the same run.
@main
enum EvidenceBenchmark {
    static func main() throws {
        guard CommandLine.arguments.count >= 2 else {
            FileHandle.standardError.write(Data("usage: EvidenceBenchmark VECTORS [--all-threads] [NAME …]\n".utf8))
            exit(2)
        }
        let vectors = URL(filePath: CommandLine.arguments[1])
        let sgx = try RecordedEvidence(
            .sgx, "sgx/phala-00a067/quote.bin", collateral: "sgx/phala-00a067/collateral.json", at: 1_750_334_171,
            in: vectors)
        let tdx4 = try RecordedEvidence(
            .tdx, "tdx/phala-b0c06f-v4/quote.bin", collateral: "tdx/phala-b0c06f-v4/collateral.json", at: 1_750_332_747,
            in: vectors)
        let tdx5 = try RecordedEvidence(
            .tdx, "tdx/google/quote_v5_sample.dat", collateral: "tdx/google/collateral-90c06f-2026-02.json",
            at: 1_771_414_935, in: vectors)
        let snp = try RecordedEvidence(
            report: "snp/milan-v3-routex/report.bin", chain: "snp/milan-v3-routex/vcek-chain.pem", at: 1_739_568_114,
            in: vectors)
        let nitro = try RecordedEvidence(
            .nitro, "nitro/evervault/valid-attestation-doc-bytes", collateral: nil, at: 1_665_651_542, in: vectors)

        let makers: [String: () throws -> @Sendable () -> Bool] = [
            "rawP384": rawP384, "rawP256": rawP256, "rawRS256": rawRS256, "rawOAEP": rawOAEP,
            "snpWarm": snp.warm, "sgxWarm": sgx.warm, "tdx4Warm": tdx4.warm, "tdx5Warm": tdx5.warm,
            "nitroWarm": nitro.warm,
            "sgxCold": sgx.cold, "tdx4Cold": tdx4.cold, "tdx5Cold": tdx5.cold, "snpCold": snp.cold,
        ]
        var only = CommandLine.arguments.dropFirst(2)
        if only.first == "--all-threads" {
            only.removeFirst()
            let steps = only.compactMap { makers[$0] }
            guard !steps.isEmpty, steps.count == only.count else { throw Failure() }
            return print(
                try Rates.allThreads {
                    let steps = try steps.map { try $0() }
                    return { steps.allSatisfy { $0() } }
                })
        }
        let wanted = only.isEmpty ? makers : makers.filter { only.contains($0.key) }
        let rates = try Rates.measure(try wanted.mapValues { try $0() })
        var members = rates.mapValues(JSON.number)
        guard only.isEmpty else { return print(JSON.object(members).text) }
        let gains = try Rates.gainsOfSecondThread([try tdx4.warmOnTwoThreads(), [try rawP256(), try rawP256()]])
        members["twoThreads"] = .number(gains[0])
        members["twoThreadsRaw"] = .number(gains[1])
        members["allocated"] = .object([
            "sgxWarm": try allocated(try sgx.warm()), "tdx4Warm": try allocated(try tdx4.warm()),
            "tdx5Warm": try allocated(try tdx5.warm()), "snpWarm": try allocated(try snp.warm()),
            "nitroWarm": try allocated(try nitro.warm()),
        ])
        print(JSON.object(members).text)
    }

    /// Bytes that one verification asks the allocator for, all together.
    private static func allocated(_ operation: () -> Bool) throws -> JSON {
        for _ in 0..<10 { guard operation() else { throw Failure() } }
        let before = allocated_bytes()
        for _ in 0..<100 { guard operation() else { throw Failure() } }
        return .integer(Int64((allocated_bytes() - before) / 100))
    }

    /// P-384 signature verification of the same crypto library over a report's length.
    private static func rawP384() throws -> @Sendable () -> Bool {
        let key = P384.Signing.PrivateKey()
        let message = [UInt8](repeating: 7, count: 0x2a0)
        let signature = try key.signature(for: message)
        let publicKey = key.publicKey
        return { publicKey.isValidSignature(signature, for: message) }
    }

    /// RSA-2048 signature of the same crypto library over a token's length.
    private static func rawRS256() throws -> @Sendable () -> Bool {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let message = [UInt8](repeating: 7, count: 4_000)
        return { (try? key.signature(for: message, padding: .insecurePKCS1v1_5)) != nil }
    }

    /// RSA-2048 OAEP of the same crypto library over an AES key.
    private static func rawOAEP() throws -> @Sendable () -> Bool {
        // Immutable; the library does not say so.
        nonisolated(unsafe) let key = try _RSA.Encryption.PrivateKey(keySize: .bits2048).publicKey
        let message = [UInt8](repeating: 7, count: 32)
        return { (try? key.encrypt(message, padding: .PKCS1_OAEP)) != nil }
    }

    /// P-256 signature verification of the same crypto library over a quote's signed part.
    private static func rawP256() throws -> @Sendable () -> Bool {
        let key = P256.Signing.PrivateKey()
        let message = [UInt8](repeating: 7, count: 432)
        let signature = try key.signature(for: message)
        let publicKey = key.publicKey
        return { publicKey.isValidSignature(signature, for: message) }
    }
}

struct Failure: Error {}
