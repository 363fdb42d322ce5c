import Encoding
import Evidence

// What endorsement certificates say.
extension SNPCases {
    /// What a VCEK or VLEK says, and what the report says of its key.
    static var endorsements: [ForgedCase] {
        var cases = [
            ("1", "structVersion"), ("2", "productName"), ("3.1", "boot loader"), ("3.2", "TEE"), ("3.3", "SNP"),
            ("3.8", "microcode"), ("4", "hardware id"),
        ].map { member, words in
            wrong(
                "vcek-without-\(words.lowercased().replacing(" ", with: "-"))", .evidenceChain, "AC-002",
                "the VCEK lacks the \(words)"
            ) { $0.endorsement.omitted = [member] }
        }
        cases += [SNPReport.SigningKey.vlek.rawValue, 3, 7].map { kind in
            wrong(
                "report-names-key-\(kind)", .evidenceChain, "AC-002",
                "the report says that key \(kind) signed it, which is not the VCEK"
            ) { $0.report.put(kind << 2, at: Layout.keyInfo) }
        }
        return cases + [
            wrong("without-fmc", .evidenceChain, "AC-002", "the VCEK of a Turin lacks the FMC", on: .turin) {
                $0.endorsement.hasFMC = false
            },
            wrong("struct-version-1", .evidenceChain, "AC-002", "the VCEK of a Milan has structVersion 1") {
                $0.endorsement.structVersion = 1
            },
            wrong("struct-version-0", .evidenceChain, "AC-002", "the VCEK of a Turin has structVersion 0", on: .turin) {
                $0.endorsement.structVersion = 0
            },
            wrong("product-unknown", .evidenceChain, "AC-002", "the VCEK is for a product that nobody knows") {
                $0.endorsement.productName = "Venice"
            },
            wrong("product-of-certificate", .evidenceChain, "AC-002", "the VCEK is for Genoa") {
                $0.endorsement.productName = "Genoa"
            },
            wrong("product-of-report", .evidenceChain, "AC-002", "the report's CPUID fields are Genoa's") {
                $0.report[Layout.cpuid + 1] = 0x11
            },
            wrong("product-of-report-unknown", .evidenceChain, "AC-002", "the report's CPUID fields are no product's") {
                $0.report[Layout.cpuid] = 0x17
            },
            wrong("hardware-id-63-bytes", .evidenceChain, "AC-002", "the VCEK's hardware id is short") {
                $0.endorsement.hardwareID?.removeLast()
            },
            wrong(
                "hardware-id-64-bytes", .evidenceChain, "AC-002", "the VCEK of a Turin has a hardware id of 64 bytes",
                on: .turin
            ) {
                $0.endorsement.hardwareID? += .zeros(56)
            },
            wrong("vcek-with-provider", .evidenceChain, "AC-002", "the VCEK names a cloud provider") {
                $0.endorsement.cloudProvider = "CN=cloud.invalid"
            },
            wrong("with-hardware-id", .evidenceChain, "AC-002", "the VLEK names a chip", on: .vlek) {
                $0.endorsement.hardwareID = .zeros(64)
            },
            wrong("without-provider", .evidenceChain, "AC-002", "the VLEK names no cloud provider", on: .vlek) {
                $0.endorsement.cloudProvider = nil
            },
            wrong("report-names-vcek", .evidenceChain, "AC-002", "the report says that a VCEK signed it", on: .vlek) {
                $0.report.put(UInt32(0), at: Layout.keyInfo)
            },
        ]
    }
}
