package import Encoding
import Evidence
package import Logging
import ServiceLifecycle

/// Keeps the simulated vendors' collateral in a folder, renewed well ahead of its end.
///
/// Files: `sgx/<fmspc>.json` and `tdx/<fmspc>.json` (collateral objects of formats section 8, FMSPC in lower-case hex) and
/// `snp/<product>-crl.der`; each is replaced as a whole.
package struct CollateralPublisher: Service {
    private let folder: String
    private let factory: EvidenceFactory
    private let clock: WallClock
    private let logger: Logger

    package init(
        folder: String, factory: EvidenceFactory, clock: WallClock = .system, logger: Logger = Simulator.silence
    ) {
        self.folder = folder
        self.factory = factory
        self.clock = clock
        self.logger = logger
    }

    /// Looks every hour until shutdown. `publish` has been called before, so that readers find files at once.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await Task.sleep(for: .seconds(3_600)) } catch { return }
                do throws(Refusal) {
                    try publish()
                } catch {
                    logger.error("simulated collateral not renewed", metadata: ["code": "\(error.name)"])
                }
            }
        }
    }

    /// Writes the collateral in force now.
    package func publish() throws(Refusal) {
        let collateral: PublishedCollateral
        do {
            collateral = try factory.collateral(at: clock.now())
        } catch {
            throw Refusal(.notReady, "the crypto library made no collateral")
        }
        for kind in ["sgx", "tdx", "snp"] { try PrivateFiles.makeFolder(folder + "/" + kind, mode: 0o755) }
        for (kind, fmspc, documents) in [
            ("sgx", collateral.sgxFMSPC, collateral.sgx), ("tdx", collateral.tdxFMSPC, collateral.tdx),
        ] {
            try PrivateFiles.write(
                documents.json.canonical, to: "\(folder)/\(kind)/\(Hex.encode(fmspc)).json", mode: 0o644)
        }
        for (product, list) in collateral.snpLists {
            try PrivateFiles.write(list, to: "\(folder)/snp/\(product.rawValue)-crl.der", mode: 0o644)
        }
    }
}
