import Crypto
import Encoding

// Each function is one or a few steps of `evidence.md` section 2.2 and adds its checks.
extension Appraisal {
    /// Product by CPUID and by certificate, then the kind of key. Returns whether the chain can endorse this report.
    mutating func checkEndorsement(_ report: SNPReport, _ endorsement: SNPEndorsement) -> Bool {
        let product = endorsement.platform.product
        var isEndorsed = true
        if report.version < 3 {
            pass("product", "\(product.rawValue) by its certificate; reports of version 2 do not name it")
        } else if report.product == product {
            pass("product", "\(product.rawValue) by CPUID fields and certificate")
        } else {
            let seen = report.product?.rawValue ?? "no known product"
            fail("product", .evidenceChain, "CPUID fields say \(seen), the certificate is for \(product.rawValue)")
            isEndorsed = false
        }
        if report.signingKey == endorsement.platform.kind {
            pass("certificate-chain", endorsement.detail)
        } else {
            fail(
                "certificate-chain", .evidenceChain,
                "\(endorsement.path.leaf.nameForDetail) is not the kind of key that the report names")
            isEndorsed = false
        }
        return isEndorsed
    }

    /// The ARK's list: fresh, and without any certificate of the chain. Returns false when one is revoked.
    mutating func checkRevocation(
        _ endorsement: SNPEndorsement, policy: AcceptancePolicy, at time: Timestamp
    ) -> Bool {
        let list: SNPEndorsement.List
        switch endorsement.list {
        case nil:
            if policy.requireRevocationLists {
                failPolicy(
                    "revocation-lists", .collateralInvalid, "there is no revocation list, and the policy asks for one")
            } else {
                skip("revocation-lists", "no revocation list was given, and the policy asks for none")
            }
            skip("revocation", "there is no revocation list to look at")
            return true
        case .failure(let refusal):
            fail("revocation-lists", refusal)
            skip("revocation", "there is no revocation list to look at")
            return true
        case .success(let found): list = found
        }
        if list.validity.contains(time) {
            limit(list.validity.notAfter)
            pass("revocation-lists", list.detail)
        } else {
            fail("revocation-lists", .collateralInvalid, list.validity.problem(at: time))
        }
        // A serial number on an authentic list is revoked, however old the list is.
        if let revoked = endorsement.path.certificates.first(where: list.list.revokes) {
            fail("revocation", .certificateRevoked, "\(revoked.nameForDetail) is revoked")
            return false
        }
        pass("revocation", "no certificate of the chain is on the list")
        return true
    }

    mutating func checkReportSignature(_ report: SNPReport, _ key: P384.Signing.PublicKey) -> Bool {
        guard let bytes = report.signature, let signature = try? P384.Signing.ECDSASignature(rawRepresentation: bytes),
            key.isValidSignature(signature, for: SHA384.hash(data: report.signedBytes))
        else {
            fail("report-signature", .evidenceSignature, "the endorsement key's signature over the report is wrong")
            return false
        }
        pass("report-signature", "ECDSA P-384 over the report's first \(SNPReport.Layout.signature) bytes")
        return true
    }

    /// Chip id and TCB of the certificate against the report, and the report's TCB versions against each other.
    mutating func checkPlatform(_ report: SNPReport, _ platform: VEKExtensions) {
        let product = platform.product
        if let hardwareID = platform.hardwareID, !report.masksChipID {
            let isSame =
                report.chipID.prefix(hardwareID.count).elementsEqual(hardwareID)
                && report.chipID.dropFirst(hardwareID.count).isZero
            if isSame {
                pass("chip-id", "the VCEK is for chip \(Hex.encode(hardwareID.prefix(8)))…")
            } else {
                fail("chip-id", .tcbInconsistent, "the VCEK is for another chip than the report's CHIP_ID")
            }
        } else {
            skip(
                "chip-id", platform.hardwareID == nil ? "a VLEK is not for one chip" : "the platform masks its chip id")
        }
        let reported = report.reportedTCB(product)
        if reported == platform.tcb {
            pass("certificate-tcb", "the certificate is for the reported TCB")
        } else {
            let below = platform.tcb.shortcomings(against: reported) + reported.shortcomings(against: platform.tcb)
            fail(
                "certificate-tcb", .tcbInconsistent,
                "the certificate is for another TCB than the reported one "
                    + "(\(below.map(\.description).joined(separator: ", ")))")
        }
        let committed = report.committedTCB(product).shortcomings(against: reported)
        let current = report.currentTCB(product).shortcomings(against: reported)
        if committed.isEmpty, current.isEmpty {
            pass("tcb-order", "the reported TCB is at most the committed and the current one")
        } else {
            fail(
                "tcb-order", .tcbInconsistent,
                "the reported TCB is above the committed or current one: "
                    + (committed + current).map(\.description).joined(separator: ", "))
        }
    }

    /// What the relying party asks for.
    mutating func checkSNPPolicy(
        _ report: SNPReport, _ platform: VEKExtensions?, policy: AcceptancePolicy, reportData: [UInt8]?
    ) {
        checkDebug(report.policy.contains(.allowsDebug), policy)
        let wanted = policy.snp
        var refused = wanted.guestFaults(report)
        refused += wanted.identityFaults(report, platform)
        refused += wanted.platformFaults(report, platform)
        requireNone(refused)
        checkReportData(report.reportData, is: reportData)
        if let platform { checkFloors(report, platform.product, policy) }
    }

    private mutating func checkFloors(_ report: SNPReport, _ product: SNPProduct, _ policy: AcceptancePolicy) {
        guard let floors = policy.snp.floors[product] else {
            if policy.snp.requiresFloors {
                failPolicy("tcb-level", .tcbNotAccepted, "the policy has no TCB floors for \(product.rawValue)")
            } else {
                skip("tcb-level", "the policy has no TCB floors for \(product.rawValue)")
            }
            return
        }
        var short: [TCBShortcoming] = []
        for (name, seen, floor) in [
            ("reported", report.reportedTCB(product), floors.reported),
            ("committed", report.committedTCB(product), floors.committed),
            ("launch", report.launchTCB(product), floors.launch),
            ("current", report.currentTCB(product), floors.current),
        ] {
            guard let floor else { continue }
            short += seen.shortcomings(against: floor, prefix: name + " ")
        }
        let status = short.isEmpty ? TCBStatus.upToDate : .outOfDate
        tcb = TCBAppraisal(status: status, platform: TCBAppraisal.Level(status: status), shortcomings: short)
        require(
            policy.acceptedTCBStatuses.contains(status), "tcb-level", .tcbNotAccepted,
            short.isEmpty
                ? "at or above the policy's floors"
                : "OutOfDate: \(short.map(\.description).joined(separator: ", "))")
    }
}

extension SNPRequirements {
    /// Guest policy and guest version.
    fileprivate func guestFaults(_ report: SNPReport) -> [String] {
        var faults: [String] = []
        let policy = report.policy
        if !policy.isDisjoint(with: refusedPolicy) { faults.append("guest policy bits that are refused") }
        if !policy.isSuperset(of: requiredPolicy) { faults.append("guest policy without bits that are required") }
        if (policy.abiMajor, policy.abiMinor) < minimumABI {
            faults.append("guest policy with ABI \(policy.abiMajor).\(policy.abiMinor)")
        }
        if report.guestSVN < minimumGuestSVN { faults.append("guest SVN \(report.guestSVN)") }
        if report.vmpl > maximumVMPL { faults.append("VMPL \(report.vmpl)") }
        return faults
    }

    /// Allow-lists.
    fileprivate func identityFaults(_ report: SNPReport, _ platform: VEKExtensions?) -> [String] {
        func misses(_ list: Set<[UInt8]>?, _ value: @autoclosure () -> ArraySlice<UInt8>) -> Bool {
            list.map { !$0.contains(Array(value())) } ?? false
        }
        var faults: [String] = []
        if misses(idKeyDigests, report.idKeyDigest) { faults.append("id key digest not on the list") }
        if authorKeyDigests != nil, !report.hasAuthorKey || misses(authorKeyDigests, report.authorKeyDigest) {
            faults.append("author key digest not on the list")
        }
        if misses(familyIDs, report.familyID) { faults.append("family id not on the list") }
        if misses(imageIDs, report.imageID) { faults.append("image id not on the list") }
        if misses(chipIDs, report.chipID.prefix(platform?.product.chipIDBytes ?? 64)) {
            faults.append("chip id not on the list")
        }
        if let cloudProviders, let provider = platform?.cloudProvider, !cloudProviders.contains(provider) {
            faults.append("cloud provider not on the list")
        }
        return faults
    }

    /// Firmware and platform information.
    fileprivate func platformFaults(_ report: SNPReport, _ platform: VEKExtensions?) -> [String] {
        var faults: [String] = []
        if refusesProvisionalFirmware, let product = platform?.product,
            report.currentFirmware != report.committedFirmware
                || report.currentTCB(product) != report.committedTCB(product)
        {
            faults.append("provisional firmware")
        }
        if report.committedFirmware < minimumFirmware { faults.append("firmware \(report.committedFirmware)") }
        if !report.platformInfo.isSuperset(of: requiredPlatformInfo) {
            faults.append("platform without properties that are required")
        }
        if !report.platformInfo.isDisjoint(with: refusedPlatformInfo) {
            faults.append("platform with properties that are refused")
        }
        if report.currentMitigations & requiredMitigations != requiredMitigations {
            faults.append("missing mitigations")
        }
        return faults
    }
}
