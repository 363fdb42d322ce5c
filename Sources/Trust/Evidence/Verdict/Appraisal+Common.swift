import Encoding

// Checks that evidence of every kind has.
extension Appraisal {
    /// Compares time with a range, and lets the verdict end with it.
    mutating func checkValidity(
        _ name: String, _ code: RefusalCode, _ validity: Validity, at time: Timestamp
    ) -> Bool {
        guard validity.contains(time) else {
            fail(name, code, validity.problem(at: time))
            return false
        }
        limit(validity.notAfter)
        pass(name, validity.detail)
        return true
    }

    /// The root's key must be an anchor's, whose grade the evidence then has.
    mutating func checkRoot(_ path: CertificatePath, role: TrustAnchors.Role, _ anchors: TrustAnchors) -> Bool {
        guard let anchor = checkAnchor("trusted-root", path, roles: [role], anchors) else { return false }
        grade = anchor.grade
        return true
    }

    /// The anchor of one of `roles` whose key the chain's root has.
    mutating func checkAnchor(
        _ name: String, _ path: CertificatePath, roles: [TrustAnchors.Role], _ anchors: TrustAnchors
    ) -> TrustAnchors.Anchor? {
        for role in roles {
            guard let anchor = anchors.anchor(path.root, role) else { continue }
            pass(name, "\(path.rootDetail) is trusted as \(anchor.grade.rawValue)")
            marks += path.marks
            return anchor
        }
        if path.root.isMarkedSimulated {
            fail(
                name, .simulatedRoot,
                "the chain ends in the simulated root \(path.rootDetail), which was not named as trusted")
        } else {
            fail(name, .untrustedRoot, "the chain ends in \(path.rootDetail), which is not trusted")
        }
        return nil
    }

    mutating func checkDebug(_ isDebuggable: Bool, _ policy: AcceptancePolicy) {
        require(
            !isDebuggable || policy.acceptsDebug, "debug", .debugEnabled,
            isDebuggable ? "the owner of the machine can read this TEE's memory" : "debugging is off")
    }

    /// Report data, when the caller says what it must be; shorter values are filled up with zeros.
    mutating func checkReportData(_ seen: ArraySlice<UInt8>, is wanted: [UInt8]?) {
        guard let wanted else {
            skip("report-data", "the caller compares the report data")
            return
        }
        let isSame =
            wanted.count <= seen.count
            && constantTimeEquals(seen, wanted + Array(repeating: 0, count: seen.count - wanted.count))
        require(
            isSame, "report-data", .bindingMismatch,
            isSame ? "the report data is as expected" : "the report data is \(Hex.encode(seen)), not as expected")
    }

    /// What binds evidence whose nonce has any length, when the caller says what it must be: no zeros are filled up.
    mutating func checkReportData(_ seen: ArraySlice<UInt8>, isExactly wanted: [UInt8]?) {
        guard let wanted else {
            skip("report-data", "the caller compares the nonce")
            return
        }
        let isSame = constantTimeEquals(seen, wanted)
        require(
            isSame, "report-data", .bindingMismatch,
            isSame ? "the nonce is as expected" : "the nonce of \(seen.count) bytes is not as expected")
    }

    /// The verdict ends no later than this.
    mutating func limit(_ end: Timestamp) { validUntil = min(validUntil ?? end, end) }
}
