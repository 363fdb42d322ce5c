import Collateral
import Encoding
import Evidence
import Foundation
import TestSupport
import Testing

@Suite("Collateral from a folder")
struct CollateralFolderTests {
    private let now = Timestamp(seconds: 1_750_334_171)
    private let fmspc: [UInt8] = [0x00, 0xa0, 0x67, 0x11, 0x00, 0x00]

    /// A folder with the given files, and the source that reads it.
    private func folder(_ files: [String: [UInt8]]) throws -> (TemporaryFolder, CollateralFolder) {
        let folder = try TemporaryFolder()
        for (name, bytes) in files {
            let file = folder.url.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
        }
        return (folder, CollateralFolder(path: folder.url.path))
    }

    private func code(_ body: () async throws -> Void) async -> RefusalCode? {
        do {
            try await body()
            return nil
        } catch let refusal as Refusal {
            return refusal.code
        } catch {
            Issue.record("not a refusal: \(error)")
            return nil
        }
    }

    @Test(.enabled(if: Vectors.available, "needs the folder of vectors"))
    func `recorded collateral is found by its platform`() async throws {
        let bytes = try Vectors.bytes("sgx/phala-00a067/collateral.json")
        let (kept, source) = try folder(["sgx/00a067110000.json": bytes])
        let found = try await source.dcap(tee: .sgx, fmspc: fmspc, ca: "processor", at: now)
        #expect(try found == DCAPCollateral(json: JSON.parse(bytes)))
        withExtendedLifetime(kept) {}
    }

    @Test("AC-012 missing collateral is refused, not made up")
    func missing() async throws {
        let (kept, source) = try folder([:])
        let refused = await code { _ = try await source.dcap(tee: .sgx, fmspc: fmspc, ca: "processor", at: now) }
        #expect(refused == .collateralInvalid)
        #expect(try await source.snpCRL(product: "Milan", kind: .vcek, at: now) == nil)
        withExtendedLifetime(kept) {}
    }

    @Test(arguments: ["{", "[]", "{\"tcb_info\":1}", "{\"a\":1,\"a\":2}"])
    func `a file that is no collateral is refused`(_ content: String) async throws {
        let (kept, source) = try folder(["sgx/00a067110000.json": Array(content.utf8)])
        let refused = await code { _ = try await source.dcap(tee: .sgx, fmspc: fmspc, ca: "processor", at: now) }
        #expect(refused == .collateralInvalid)
        withExtendedLifetime(kept) {}
    }

    @Test("AC-159 a file beyond the limit is refused before it is parsed")
    func large() async throws {
        let bytes = [UInt8](repeating: 0x20, count: CollateralFolder.maximumBytes + 1)
        let (kept, source) = try folder(["sgx/00a067110000.json": bytes, "snp/Milan-crl.der": bytes])
        #expect(
            await code { _ = try await source.dcap(tee: .sgx, fmspc: fmspc, ca: "processor", at: now) }
                == .collateralInvalid)
        #expect(
            await code { _ = try await source.snpCRL(product: "Milan", kind: .vcek, at: now) } == .collateralInvalid)
        withExtendedLifetime(kept) {}
    }

    @Test(
        "AC-072 a product name from evidence never leaves the folder",
        arguments: ["../Milan", "", "Mil/an", "Milan\0", "Ä"])
    func pathTricks(_ product: String) async throws {
        let (kept, source) = try folder(["Milan-crl.der": [1]])
        let refused = await code { _ = try await source.snpCRL(product: product, kind: .vcek, at: now) }
        #expect(refused == .collateralInvalid)
        withExtendedLifetime(kept) {}
    }

    @Test func `a list for VLEKs comes before the product's own`() async throws {
        let (kept, source) = try folder(["snp/Milan-crl.der": [1], "snp/Milan-vlek-crl.der": [2]])
        #expect(try await source.snpCRL(product: "Milan", kind: .vcek, at: now) == [1])
        #expect(try await source.snpCRL(product: "Milan", kind: .vlek, at: now) == [2])
        withExtendedLifetime(kept) {}
    }
}
