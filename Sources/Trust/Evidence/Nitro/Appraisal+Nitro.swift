import Crypto
import Encoding

// Each function is one or a few steps of `evidence.md` section 2.4 and adds its checks.
extension Appraisal {
    mutating func checkDocumentSignature(_ message: COSESign1, _ key: P384.Signing.PublicKey) -> Bool {
        guard let signature = try? P384.Signing.ECDSASignature(rawRepresentation: message.signature),
            key.isValidSignature(signature, for: SHA384.hash(data: message.signedBytes))
        else {
            fail("document-signature", .evidenceSignature, "the certificate's key did not sign this document")
            return false
        }
        pass("document-signature", "ECDSA P-384 over \(message.payload.count) bytes of payload")
        return true
    }

    /// The document's own time: inside its certificate's life, not from the future, not older than the policy allows.
    ///
    /// No certificate says when a document was made, so its time is judged apart from the chain's.
    mutating func checkTimestamp(
        _ document: NitroDocument, _ leaf: Certificate, policy: NitroRequirements, at time: Timestamp
    ) {
        let made = document.timestamp
        if made < leaf.notBefore || made > leaf.notAfter {
            fail(
                "timestamp", .evidenceChain,
                "the document was made at \(made), when its certificate was not valid "
                    + "(\(leaf.notBefore) to \(leaf.notAfter))")
        } else if made > time + Int64(policy.clockSkew) {
            fail("timestamp", .evidenceChain, "the document was made at \(made), and the time is \(time)")
        } else if let maximumAge = policy.maximumAge {
            let end = made + Int64(maximumAge)
            limit(end)
            require(
                time <= end, "timestamp", .platformPolicy,
                "the document was made at \(made) and is accepted until \(end); the time is \(time)")
        } else {
            pass("timestamp", "made at \(made); the policy sets no age beyond the certificate's life")
        }
    }

    /// What the relying party asks for.
    mutating func checkNitroPolicy(_ document: NitroDocument, policy: AcceptancePolicy, reportData: [UInt8]?) {
        checkDebug(document.isDebug, policy)
        let wanted = policy.nitro
        if wanted.requiredPCRs.isEmpty {
            skip("pcrs", "the policy asks for no PCR")
        } else {
            let wrong = wanted.requiredPCRs.filter { index, values in
                document.pcrs[index].map { !values.contains(Array($0)) } ?? true
            }
            let names = wrong.keys.sorted().map { "PCR\($0)" }
            require(
                names.isEmpty, "pcrs", .measurementUnknown,
                names.isEmpty
                    ? "\(wanted.requiredPCRs.count) PCRs have accepted values"
                    : "not among the accepted values: \(names.joined(separator: ", "))")
        }
        if let accepted = wanted.userData {
            let isAccepted = document.userData.map { accepted.contains(Array($0)) } ?? false
            require(
                isAccepted, "user-data", .bindingMismatch,
                isAccepted ? "the user data is accepted" : "the user data is absent or not accepted")
        }
        if wanted.requiresPublicKey {
            let hasKey = document.publicKey.map { !$0.isEmpty } ?? false
            require(
                hasKey, "public-key", .bindingMismatch,
                hasKey ? "the document carries a public key" : "the document carries no public key")
        }
        checkReportData(document.binding, isExactly: reportData)
    }
}
