import AppraisalPolicy
import AttestationToken
import Crypto
import Encoding
import Evidence

/// The exchange behind `/attest/Tpm`: a challenge that the service does not remember, and a token about what answers it.
///
/// The first two messages are Azure's. Of the third only the frame is public, so that what it holds is chosen here and
/// documented: a JWS of the attested key, whose `current_claim` is a TPM attestation in the form of go-tpm-tools with
/// `nonce` for its nonce.
/// - Source: attestation API reference, section 12.
struct TPMExchange: Sendable {
    /// Seconds for which a challenge can be answered.
    static let lifetime: Int64 = 300
    private static let challengeBytes = 16
    private static let macBytes = 32

    /// Authenticates contexts; the same on all nodes of one issuer.
    let key: SymmetricKey

    /// What a client sends.
    enum Message {
        case start
        case request(Answer)

        /// - Throws: `request-malformed`, and `evidence-malformed` for what the answer attests with.
        init(_ bytes: [UInt8]) throws(Refusal) {
            let json: JSON
            do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
                throw Refusal(.requestMalformed, "data is not JSON: \(error)")
            }
            if json["payload"]?["type"] == "aikcert" {
                self = .start
            } else if let compact = json["request"]?.string {
                self = .request(try Answer(compact))
            } else {
                throw Refusal(.requestMalformed, "data is neither a payload of type aikcert nor a request")
            }
        }
    }

    /// The second message: a challenge, and what this service needs to know it again.
    func challenge(at time: Timestamp, randomness: Randomness) -> JSON {
        var context: [UInt8] = []
        context.appendBigEndian(time.seconds + Self.lifetime)
        context += randomness.bytes(Self.challengeBytes)
        let mac = Array(HMAC<SHA256>.authenticationCode(for: context, using: key))
        return [
            "payload": [
                "challenge": .string(Base64.encodeURL(context.suffix(Self.challengeBytes))),
                "service_context": .string(Base64.encodeURL(context + mac)),
            ]
        ]
    }

    /// The challenge of a context that this service made and that has not ended.
    ///
    /// - Throws: `binding-mismatch`.
    private func challenge(of context: [UInt8], at time: Timestamp) throws(Refusal) -> [UInt8] {
        let content = context.dropLast(Self.macBytes)
        guard content.count == 8 + Self.challengeBytes,
            HMAC<SHA256>.isValidAuthenticationCode(context.suffix(Self.macBytes), authenticating: content, using: key)
        else { throw Refusal(.bindingMismatch, "service_context was not made by this service") }
        var reader = ByteReader(content)
        let end: Int64 = try reader.bigEndian("end")
        guard time.seconds < end, time.seconds >= end - Self.lifetime - ServiceClock.tolerance else {
            throw Refusal(.bindingMismatch, "service_context has ended; begin again")
        }
        return Array(reader.rest())
    }

    /// The nonce of the TPM's quotes: SHA-256 of challenge and thumbprint (RFC 7638) of the attested key.
    static func nonce(challenge: [UInt8], key: JWK) -> Encoding.Digest {
        Encoding.Digest(of: challenge + Array(key.thumbprint.utf8))
    }

    /// - Throws: `binding-mismatch`, and every code of evidence.
    func appraise(
        _ answer: Answer, _ appraiser: EvidenceAppraiser, at time: Timestamp
    ) throws(Refusal) -> AppraisedEvidence {
        let challenge = try challenge(of: answer.context, at: time)
        let nonce = Self.nonce(challenge: challenge, key: answer.key)
        let verdict = appraiser.verifier.verify(
            answer.attestation, tee: .tpm, collateral: nil, at: time, policy: appraiser.acceptance,
            reportData: nonce.bytes)
        try verdict.requireAccepted()
        guard case .tpm(let state) = verdict.attested else {
            throw Refusal(.evidenceMalformed, "the evidence is not of a TPM")
        }
        var evidence = AppraisedEvidence(verdict)
        evidence.claims["cnf"] = ["jwk": answer.key.json]
        if let data = answer.relyingPartyData { evidence.claims["rp_data"] = .string(data) }
        let boot = MeasuredBoot(state.events)
        let attestationKey = try TPMEvidence(answer.attestation[...]).attestationKey.key
        evidence.incoming = [
            AppraisalClaim("aikValidated", .boolean(true)),
            AppraisalClaim("aikPubHash", .string(Base64.encodeStandard(attestationKey.pin.bytes))),
            AppraisalClaim("tpmVersion", .integer(2)),
            AppraisalClaim("secureBootEnabled", .boolean(boot.isSecure)),
            AppraisalClaim("bootDebuggingDisabled", .boolean(boot.hasSystemEvents && !boot.isOn(.bootDebugging))),
            AppraisalClaim("notSafeMode", .boolean(boot.hasSystemEvents && !boot.isOn(.safeMode))),
            AppraisalClaim("notWinPE", .boolean(boot.hasSystemEvents && !boot.isOn(.windowsPE))),
            AppraisalClaim("vbsReportPresent", .boolean(false)),
        ]
        evidence.incoming += answer.customClaims
        for register in state.pcrs.keys where register.bank == .sha256 && register.index < 24 {
            evidence.quotedRegisters |= 1 << Int64(register.index)
        }
        return evidence
    }
}

extension TPMExchange {
    /// The third message.
    struct Answer {
        /// The attested key, which signed the message.
        let key: JWK
        let context: [UInt8]
        /// A message `attest.Attestation`.
        let attestation: [UInt8]
        let relyingPartyData: String?
        let customClaims: [AppraisalClaim]

        private static let maximumCustomClaims = 32

        /// - Throws: `request-malformed`; `key-invalid`; `token-signature` when the named key did not sign.
        fileprivate init(_ compact: String) throws(Refusal) {
            let jws = try JWS(
                compact: compact, maximumBytes: AttestationAuthority.maximumBodyBytes, refusing: .requestMalformed)
            guard jws.algorithm == "PS256", jws.header["typ"] == "attReq", jws.header["crit"] == nil else {
                throw Refusal(.requestMalformed, "request is not a JWS with alg PS256 and typ attReq")
            }
            let json: JSON
            do throws(JSON.ParseError) { json = try JSON.parse(jws.payload) } catch {
                throw Refusal(.requestMalformed, "the payload of request is not JSON: \(error)")
            }
            let members = try LenientObject(json, "the payload of request")
            guard try members.string("att_type") == "basic" else {
                throw Refusal(.requestMalformed, "att_type is not basic; VBS reports are not supported")
            }
            let data = try LenientObject(members["att_data"] ?? members["tpm_att_data"] ?? .null, "att_data")
            guard let attestation = try data.bytes("current_claim"), let context = try members.bytes("service_context")
            else { throw Refusal(.requestMalformed, "current_claim or service_context is missing") }
            key = try JWK(json: members["attest_key"] ?? .null, .lenient, refusing: .requestMalformed)
            guard
                try key.publicKey().isValid(
                    signature: jws.signature, over: jws.signingInput, algorithm: .rsaPSS(.sha256))
            else { throw Refusal(.tokenSignature, "attest_key did not sign the request") }
            self.attestation = attestation
            self.context = context
            relyingPartyData = try members.string("rp_data")
            var customClaims: [AppraisalClaim] = []
            for (name, value) in (members["custom_claims"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard let text = value.string, customClaims.count < Self.maximumCustomClaims else {
                    throw Refusal(
                        .requestMalformed,
                        "custom_claims has more than \(Self.maximumCustomClaims), or one not a string")
                }
                customClaims.append(AppraisalClaim(name, .string(text), issuer: .customClaim))
            }
            self.customClaims = customClaims
        }
    }
}
