import Crypto

/// What a simulated TEE measures: digests of the executable file, so that `sha256sum` and `sha384sum` check them
/// (architecture section 11 rule 7).
///
/// The loader and the system's libraries are not measured.
package struct ExecutableMeasurement: Hashable, Sendable {
    /// MRENCLAVE: SHA-256, 32 bytes.
    package let enclave: [UInt8]
    /// MEASUREMENT: SHA-384, 48 bytes.
    package let launch: [UInt8]

    /// Measures content that is at hand.
    package init(of content: [UInt8]) {
        enclave = Array(SHA256.hash(data: content))
        launch = Array(SHA384.hash(data: content))
    }

    init(enclave: SHA256Digest, launch: SHA384Digest) {
        self.enclave = Array(enclave)
        self.launch = Array(launch)
    }
}
