import Attester
import Encoding
import Evidence
import Foundation
import SimulatedTEE
import TestSupport
import Testing

@Suite struct DevelopmentRootTests {
    @Test func `a root is made once, kept with mode 0600, and read again at the next start`() throws {
        let folder = try TemporaryFolder()
        let keys = folder.url.appending(path: "deep/keys").path
        let made = try DevelopmentRoot.keptIn(keys, at: Scene.time, keys: .quick)
        let file = keys + "/development-root.json"
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.attributesOfItem(atPath: keys)[.posixPermissions] as? Int == 0o700)

        let kept = try DevelopmentRoot.keptIn(keys, at: Scene.time + 1_000, keys: .quick)
        #expect(try kept.simulatedRoot() == made.simulatedRoot())
        // Evidence of the second start is accepted under the root published at the first.
        let evidence = try EvidenceFactory(root: kept).snp(
            measurement: Scene.program, party: Scene.party, reportData: Scene.reportData, at: Scene.time)
        let verdict = try Scene.trusting(made).verify(
            evidence.evidence, tee: .snp, collateral: evidence.collateral, at: Scene.time)
        #expect(verdict.accepted, "\(verdict.detail)")
    }

    @Test(arguments: ["", "{}", "not json", #"{"format":"cloister-development-root/2"}"#])
    func `a file that is not a root is refused and left alone`(content: String) throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "development-root.json")
        try Data(content.utf8).write(to: file)
        let refusal = #expect(throws: Refusal.self) {
            try DevelopmentRoot.keptIn(folder.url.path, at: Scene.time, keys: .quick)
        }
        #expect(refusal?.code == .insecureConfiguration)
        #expect(try Data(contentsOf: file) == Data(content.utf8))
    }

    @Test func `the public root file names one root of SGX and one of each product, and no key`() throws {
        let root = try DevelopmentRoot.forTests.get().simulatedRoot()
        #expect(Set(root.arks.keys) == Set(SNPProduct.allCases))
        #expect(root.sgxRoot.subjectCommonName == "Cloister simulated SGX Root CA")
        #expect(root.arks[.turin]?.subjectCommonName == "Cloister simulated ARK-Turin")
        #expect(root.nitroRoot?.subjectCommonName == "Cloister simulated aws.nitro-enclaves")
        #expect(root.vtpmRoot?.subjectCommonName.hasPrefix("Cloister simulated Virtual TPM Root") == true)
        #expect(!String(decoding: root.json.canonical, as: UTF8.self).contains("PRIVATE"))
    }

    @Test func `published collateral is replaced as a whole and read by those who verify`() throws {
        let folder = try TemporaryFolder()
        let factory = try Scene.factory()
        let publisher = CollateralPublisher(
            folder: folder.url.appending(path: "collateral").path, factory: factory, clock: .fixed(Scene.time))
        try publisher.publish()
        try publisher.publish()
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.url.path).filter { $0.contains(".") }
        #expect(
            Set(files) == [
                "collateral/sgx/00c101570000.json", "collateral/tdx/00c206f20000.json", "collateral/snp/Milan-crl.der",
                "collateral/snp/Genoa-crl.der", "collateral/snp/Turin-crl.der",
            ])
        let sgx = try Data(contentsOf: folder.url.appending(path: "collateral/sgx/00c101570000.json"))
        let published = try factory.collateral(at: Scene.time)
        #expect(try DCAPCollateral(json: try JSON.parse([UInt8](sgx))) == published.sgx)
        let tdx = try Data(contentsOf: folder.url.appending(path: "collateral/tdx/00c206f20000.json"))
        #expect(try DCAPCollateral(json: try JSON.parse([UInt8](tdx))) == published.tdx)
        for (product, ark) in try factory.root.simulatedRoot().arks {
            let name = "collateral/snp/\(product.rawValue)-crl.der"
            let list = try CertificateRevocationList(der: [UInt8](Data(contentsOf: folder.url.appending(path: name))))
            #expect(list.isSigned(by: ark))
        }
    }
}
