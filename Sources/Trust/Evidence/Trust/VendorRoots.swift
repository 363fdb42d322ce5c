import Encoding

extension TrustAnchors {
    /// The vendors' own root keys, as SHA-256 of their `SubjectPublicKeyInfo`; where they are published is said in
    /// `vendorRoots`.
    public static let vendors: TrustAnchors = {
        var anchors = TrustAnchors()
        for root in vendorRoots {
            guard let pin = digest(root.pin) else { continue }
            anchors.add(Anchor(role: root.role, pin: pin, grade: .hardware))
        }
        return anchors
    }()

    /// SHA-256 of the certificates of these keys as the vendors publish them: what they say needs no signature that the
    /// same key made. A certificate with other bytes and a vendor's key is read, too, and must be signed.
    static let publishedCertificates = Set(vendorRoots.flatMap(\.certificates).compactMap(digest))

    private static func digest(_ hex: String) -> Digest? { Hex.decode(hex).flatMap { Digest(bytes: $0) } }

    private struct VendorRoot {
        let role: Role
        let pin: String
        let certificates: [String]
    }

    private static let vendorRoots = [
        // Intel SGX Root CA, serial number 22650cd65a9d3489f383b49552bf501b392706ac, to 2049 and to 2033:
        // https://certificates.trustedservices.intel.com/Intel_SGX_Provisioning_Certification_RootCA.pem
        VendorRoot(
            role: .dcap, pin: "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e",
            certificates: [
                "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3",
                "fc64f8076d79a4fee9d1d473d74c89eb8d8fd55c5abafeabeba7366d20429404",
            ]),
        // AMD: the second certificate of https://kdsintf.amd.com/vcek/v1/{product}/cert_chain; ARK-Milan 010000,
        // ARK-Genoa 020000, ARK-Turin.
        VendorRoot(
            role: .ark(.milan), pin: "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
            certificates: ["69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"]),
        VendorRoot(
            role: .ark(.genoa), pin: "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831",
            certificates: ["4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"]),
        VendorRoot(
            role: .ark(.turin), pin: "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08",
            certificates: ["1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"]),
        // AWS Nitro Enclaves: `aws.nitro-enclaves` in
        // https://aws-nitro-enclaves.amazonaws.com/AWS_NitroEnclaves_Root-G1.zip
        VendorRoot(
            role: .nitro, pin: "f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225",
            certificates: ["641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"]),
        // NVIDIA: `NVIDIA Device Identity CA` of the attestation SDK, serial number 2d3670b1ca100411c1fec0e82a065b54.
        VendorRoot(
            role: .nvidia, pin: "a90c4eb5acfd3e3d03a25db6a26b84f720ad0503196c627c21ddd48dd85b06a4",
            certificates: ["102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48"]),
        // Microsoft: “Azure Virtual TPM Root Certificate Authority 2023”, serial number 51f431da2c92088a4e29e0d929de4aa7:
        // http://www.microsoft.com/pkiops/certs/Azure%20Virtual%20TPM%20Root%20Certificate%20Authority%202023.crt
        VendorRoot(
            role: .azureVTPM, pin: "5cbc52672ae101263c2976736044a964c1182ce9412c39937183baddcccb8cdf",
            certificates: ["e6c596b17f8ffefba5c300f714cfb1260c6028704ecf7becc4ab5018efb00e95"]),
        // Google: “EK/AK CA Root” of Google Cloud, `gcp_ek_ak_ca_root.crt` in google/go-tpm-tools, serial number
        // a65da4f9e328f38035c3a73d4f72432bdf15dc.
        VendorRoot(
            role: .googleVTPM, pin: "56a613f57126a385dd6949294e93b0b566f96ab0573be0c2368e6f5ca779831f",
            certificates: ["594759594b9b61524f6c8ef668f7177f7b9066bc0674f2f49fe9e052be78beb2"]),
    ]
}
