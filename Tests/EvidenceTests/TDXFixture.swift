import Encoding
import Evidence

/// A made-up TDX platform and trust domain, on the platform of an `SGXFixture`.
struct TDXFixture: Sendable {
    /// Certificates, collateral and quoting enclave.
    var platform: SGXFixture
    /// 4, or 5 with the body's descriptor.
    var version: UInt16
    /// TD 1.0 has 584 bytes, TD 1.5 has 648; longer or shorter bodies are malformed.
    var body: [UInt8]
    /// Type in the descriptor of version 5.
    var bodyType: UInt16
    var bodySize: UInt32

    /// The domain of a module of version 1 and the newest ISVSVN.
    init(version: UInt16 = 4, isExtended: Bool = false) {
        typealias Layout = TDReport.Layout
        self.version = version
        bodyType = isExtended ? 3 : 2
        body = Array(repeating: 0, count: isExtended ? Layout.extendedByteCount : Layout.byteCount)
        bodySize = UInt32(body.count)
        platform = SGXFixture()
        platform.header[0] = UInt8(version)
        platform.header[4] = 0x81
        platform.quotingEnclave[256] = 2
        platform.qeIdentity["id"] = "TD_QE"
        platform.qeIdentity["isvprodid"] = 2
        platform.tcbInfo["id"] = "TDX"
        platform.tcbInfo["tcbLevels"] = nil
        platform.tcbInfo["tdxModule"] = TDXFixture.module(nil)
        platform.tcbInfo["tdxModuleIdentities"] = [
            TDXFixture.module("TDX_03", [(3, "2024-03-13", "UpToDate", [])]),
            TDXFixture.module(
                "TDX_01",
                [
                    (6, "2024-03-13", "UpToDate", []), (4, "2023-03-13", "OutOfDate", ["INTEL-SA-00004"]),
                    (2, "2021-03-13", "Revoked", ["INTEL-SA-00005"]),
                ]),
        ]
        levels = [
            Level([5, 5, 2, 2, 3, 1, 0, 3], 11, [5, 0, 7], "2024-03-13", "UpToDate"),
            Level([2, 2, 2, 2, 3, 1, 0, 3], 9, [3, 0, 5], "2022-03-13", "OutOfDate", ["INTEL-SA-00001"]),
            Level([1, 1], 1, [1, 0, 1], "2020-03-13", "Revoked", ["INTEL-SA-00002"]),
        ]
        setSVN([6, 1, 7])
        if isExtended { setSecondSVN([6, 1, 7]) }
        body[Layout.tdAttributes + 3] = 0x10
        body[Layout.xfam] = 0xe7
        for (offset, byte) in [
            (Layout.mrSeam, UInt8(0x5e)), (Layout.mrTD, 0x7d), (Layout.mrConfigID, 0xc0), (Layout.mrOwner, 0x01),
            (Layout.mrOwnerConfig, 0x0c), (Layout.rtmr, 0xa0), (Layout.rtmr + 48, 0xa1), (Layout.rtmr + 96, 0xa2),
            (Layout.rtmr + 144, 0xa3),
        ] { put(Array(repeating: byte, count: 48), at: offset) }
        put(Array(repeating: 0xda, count: 32), at: Layout.reportData)
    }

    /// A level of the TCB info; components that are left away are 0.
    struct Level: Sendable {
        var sgx: [Int]
        var pceSVN: Int64
        var tdx: [Int]
        var date: String
        var status: String
        var advisories: [String]

        init(
            _ sgx: [Int], _ pceSVN: Int64, _ tdx: [Int], _ date: String, _ status: String, _ advisories: [String] = []
        ) {
            self.sgx = sgx
            self.pceSVN = pceSVN
            self.tdx = tdx
            self.date = date
            self.status = status
            self.advisories = advisories
        }

        fileprivate var json: JSON {
            func components(_ values: [Int], _ names: [Int: JSON]) -> JSON {
                .array(
                    (0..<16).map { index in
                        guard case .object(var members) = names[index] ?? [:] else { return .null }
                        members["svn"] = .integer(index < values.count ? Int64(values[index]) : 0)
                        return .object(members)
                    })
            }
            return [
                "tcb": [
                    "sgxtcbcomponents": components(
                        sgx, [0: ["category": "BIOS", "type": "Early Microcode Update"], 3: ["category": "BIOS"]]),
                    "pcesvn": .integer(pceSVN),
                    "tdxtcbcomponents": components(
                        tdx,
                        [
                            0: ["category": "OS/VMM", "type": "TDX Module"],
                            2: ["category": "OS/VMM", "type": "TDX Late Microcode Update"],
                        ]),
                ],
                "tcbDate": .string(date + "T00:00:00Z"), "tcbStatus": .string(status),
                "advisoryIDs": .array(advisories.map(JSON.string)),
            ]
        }
    }

    /// What the TCB info says unless `platform.tcbInfo` has levels of its own.
    var levels: [Level]

    /// `tdxModule` when `id` is nil, else one of `tdxModuleIdentities`.
    static func module(
        _ id: String?, _ levels: [(svn: Int64, date: String, status: String, advisories: [String])] = [],
        signer: UInt8 = 0, attributes: String = "0000000000000000"
    ) -> JSON {
        var members: [String: JSON] = [
            "mrsigner": .string(Hex.encode([UInt8](repeating: signer, count: 48))), "attributes": .string(attributes),
            "attributesMask": "FFFFFFFFFFFFFFFF",
        ]
        if let id {
            members["id"] = .string(id)
            members["tcbLevels"] = .array(
                levels.map { SGXFixture.enclaveLevel($0.svn, $0.date, $0.status, $0.advisories) })
        }
        return .object(members)
    }

    mutating func put(_ bytes: [UInt8], at offset: Int) {
        body.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    mutating func setSVN(_ svn: [UInt8]) { put(svn, at: TDReport.Layout.teeTCBSVN) }
    mutating func setSecondSVN(_ svn: [UInt8]) { put(svn, at: TDReport.Layout.teeTCBSVN2) }

    func built() throws -> SGXFixture.Built {
        var signed = platform.header
        if version == 5 {
            signed.appendLittleEndian(bodyType)
            signed.appendLittleEndian(bodySize)
        }
        var platform = platform
        if platform.tcbInfo["tcbLevels"] == nil { platform.tcbInfo["tcbLevels"] = .array(levels.map(\.json)) }
        return try platform.built(.tdx, signed: signed + body)
    }
}
