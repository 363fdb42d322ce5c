import Encoding
import Evidence

/// The machine that is simulated: what its certificates, reports and collateral agree on.
enum SimulatedPlatform {
    /// Prefix of every authority's common name, by which a person and a verifier tell these from a vendor's.
    static let namePrefix = "Cloister simulated "

    enum SGX {
        /// Family, model, stepping, platform and custom SKU; names the TCB info.
        static let fmspc: [UInt8] = [0x00, 0xc1, 0x01, 0x57, 0x00, 0x00]
        static let pceID: [UInt8] = [0, 0]
        /// The 16 TCB components, as CPUSVN too.
        static let components: [UInt8] = [7, 9, 3, 3, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        static let pceSVN: UInt16 = 13
        /// Product and security version of the simulated quoting enclave.
        static let quotingEnclaveProduct: UInt16 = 1
        static let quotingEnclaveSVN: UInt16 = 10
        /// Identity of whoever would have signed the quoting enclave.
        static let quotingEnclaveSigner = Digest(of: "cloister simulated quoting enclave signer").bytes
        /// XFRM of an enclave with AVX-512.
        static let xfrm: UInt64 = 0xe7
    }

    enum SNP {
        static let product = SNPProduct.milan
        static let productName = "Milan-B0"
        static let tcb = SNPTCBVersion(bootLoader: 4, tee: 0, snp: 24, microcode: 219)
        static let firmware = SNPFirmwareVersion(major: 1, minor: 55, build: 29)
        static let platform: SNPPlatformInfo = [.smtEnabled, .eccMemory, .aliasCheckComplete]
    }
}
