/// Base-mode vectors of RFC 9180 (https://github.com/cfrg/draft-irtf-cfrg-hpke, `test-vectors.json`), in hexadecimal.
///
/// All three share `info`, plaintext and additional data; five of each vector's encryptions are here.
struct HPKEVector: Sendable {
    let kem: UInt16
    let aead: UInt16
    let recipientKey: String
    let encapsulated: String
    let ciphertexts: [String]
    /// For the exporter contexts empty, 00 and "TestContext", each 32 bytes long.
    let exports: [String]

    static let info = "4f6465206f6e2061204772656369616e2055726e"
    static let plaintext = "4265617574792069732074727574682c20747275746820626561757479"
    static let exporterContexts = ["", "00", "54657374436f6e74657874"]

    static let all = [
        HPKEVector(
            kem: 0x0010, aead: 0x0001,
            recipientKey: "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
            encapsulated: """
                04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be86\
                3c403ce65c9bfcb9382657222d18c4
                """,
            ciphertexts: [
                "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434",
                "fa6f037b47fc21826b610172ca9637e82d6e5801eb31cbd3748271affd4ecb06646e0329cbdf3c3cd655b28e82",
                "895cabfac50ce6c6eb02ffe6c048bf53b7f7be9a91fc559402cbc5b8dcaeb52b2ccc93e466c28fb55fed7a7fec",
                "4ab96a526df7d39a8ad3139c91f520612d0a21f572f1d5fc3914fc48cc2ba33f1dddd106dc4044772e79cabde6",
                "8787491ee8df99bc99a246c4b3216d3d57ab5076e18fa27133f520703bc70ec999dd36ce042e44f0c3169a6a8f",
            ],
            exports: [
                "5e9bc3d236e1911d95e65b576a8a86d478fb827e8bdfe77b741b289890490d4d",
                "6cff87658931bda83dc857e6353efe4987a201b849658d9b047aab4cf216e796",
                "d8f1ea7942adbba7412c6d431c62d01371ea476b823eb697e1f6e6cae1dab85a",
            ]),
        HPKEVector(
            kem: 0x0010, aead: 0x0002,
            recipientKey: "317f915db7bc629c48fe765587897e01e282d3e8445f79f27f65d031a88082b2",
            encapsulated: """
                04c06b4f6bebc7bb495cb797ab753f911aff80aefb86fd8b6fcc35525f3ab5f03e0b21bd31a86c6048af3cb2d98e0d3bf01d\
                a5cc4c39ff5370d331a4f1f7d5a4e0
                """,
            ciphertexts: [
                "58c61a45059d0c5704560e9d88b564a8b63f1364b8d1fcb3c4c6ddc1d291742465e902cd216f8908da49f8f96f",
                "b4e7c90d1dd62cb563694956eb517ab55d5e7d1f6366a0066c04ababaa444dbaf60a30d7bb7d3e91b969762dee",
                "65463cc0e5fd16e1650a55fb37d5b6fe6e5ac5b6f6e8c2640cfb0fcd528dc37bc0963b5c53d6238c42d447ddf4",
                "2e68d23899ad26f5b2a427b558b764978f36ee5a77ff5d9e41b53c9ed92e68e5432fbbd802426118fb33679597",
                "8537ff19240d613badd398dbeedf0338ca9f549bad6775ae8c3a672666057f6709e0931155cd1cae7071c6fd27",
            ],
            exports: [
                "7a4c2b89e1909fb0e3ca42d5040f4c2d8346dc0643d787b8474e804f8f72798e",
                "3ca0e7e10b601a32edd2f91c49bac766892c52bde2df01a6126320c6e6eb8af1",
                "76c6b4f404990ae362be3efe0d60d9669d87017f9dfe33b8c2ed9fd31d295182",
            ]),
        HPKEVector(
            kem: 0x0020, aead: 0x0001,
            recipientKey: "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
            encapsulated: "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
            ciphertexts: [
                "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
                "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84",
                "498dfcabd92e8acedc281e85af1cb4e3e31c7dc394a1ca20e173cb72516491588d96a19ad4a683518973dcc180",
                "6b0f4cd351730cd25993d8ad0f11bff1ef2c3a957cb4d8694bb06c60a2937385da1b47a11595dd7a9a28f76c26",
                "583bd32bc67a5994bb8ceaca813d369bca7b2a42408cddef5e22f880b631215a09fc0012bc69fccaa251c0246d",
            ],
            exports: [
                "3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee",
                "2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5",
                "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931",
            ]),
    ]
}
