import Encoding
import Evidence
import HTTPTypes
import ServiceKit

/// What a request asks for, from method and path (attestation API reference, section 2.3).
enum AttestationRoute: Sendable {
    case discovery
    case certs
    case revocations
    case attest(AttestationType)
    case administration(Administration)

    /// A route that needs a role.
    enum Administration: Sendable {
        case policy(AttestationType)
        case setPolicy(AttestationType)
        case resetPolicy(AttestationType)
        case certificates
        case changeCertificate(InstancePolicies.CertificateChange)
        case tcbBaselines(AttestationType)
        /// Ours: what is distrusted, and commands that change it.
        case distrusted
        case distrust
        case trust(String)
    }

    /// Nil for a path that is none of this service's, and for a method that a path does not have. Segments are matched
    /// without regard to case.
    ///
    /// - Parameter method: nil to ask for any method of the path, as a preflight request does.
    init?(_ segments: [String]?, method: HTTPRequest.Method?) {
        func isOne(_ expected: HTTPRequest.Method) -> Bool { method == nil || method == expected }
        guard let path = segments?.map({ $0.lowercased() }) else { return nil }
        switch path {
        case [".well-known", "openid-configuration"] where isOne(.get): self = .discovery
        case ["certs"] where isOne(.get): self = .certs
        case ["revocations"] where isOne(.get): self = .revocations
        case ["distrust"] where isOne(.get): self = .administration(.distrusted)
        case ["distrust"] where isOne(.post): self = .administration(.distrust)
        case let path where path.count == 2 && path[0] == "distrust" && isOne(.delete):
            self = .administration(.trust(path[1]))
        case ["certificates"] where isOne(.get): self = .administration(.certificates)
        case ["certificates:add"] where isOne(.post): self = .administration(.changeCertificate(.add))
        case ["certificates:remove"] where isOne(.post): self = .administration(.changeCertificate(.remove))
        case let path where path.count == 2:
            guard let route = Self.typed(path[0], path[1], isOne) else { return nil }
            self = route
        default: return nil
        }
    }

    /// Routes with an attestation type.
    private static func typed(
        _ collection: String, _ name: String, _ isOne: (HTTPRequest.Method) -> Bool
    ) -> AttestationRoute? {
        let reset = ":reset"
        let isReset = collection == "policies" && name.hasSuffix(reset)
        guard let type = AttestationType(segment: isReset ? String(name.dropLast(reset.count)) : name) else {
            return nil
        }
        switch collection {
        case "attest": return isOne(.post) ? .attest(type) : nil
        case "policies" where isReset: return isOne(.post) ? .administration(.resetPolicy(type)) : nil
        case "policies" where isOne(.get): return .administration(.policy(type))
        case "policies": return isOne(.put) ? .administration(.setPolicy(type)) : nil
        case "tcbbaselines": return isOne(.get) ? .administration(.tcbBaselines(type)) : nil
        default: return nil
        }
    }

    /// Whether web pages may call it (architecture section 11 rule 37).
    var isForBrowsers: Bool { if case .administration = self { false } else { true } }

    /// For metrics.
    var template: StaticString {
        switch self {
        case .discovery: "/.well-known/openid-configuration"
        case .certs: "/certs"
        case .revocations: "/revocations"
        case .attest: "/attest/{type}"
        case .administration(.policy), .administration(.setPolicy): "/policies/{type}"
        case .administration(.resetPolicy): "/policies/{type}:reset"
        case .administration(.certificates): "/certificates"
        case .administration(.changeCertificate(.add)): "/certificates:add"
        case .administration(.changeCertificate(.remove)): "/certificates:remove"
        case .administration(.tcbBaselines): "/tcbbaselines/{type}"
        case .administration(.distrusted), .administration(.distrust): "/distrust"
        case .administration(.trust): "/distrust/{mark}"
        }
    }
}

extension AttestationRoute.Administration {
    /// The role without which it is refused.
    var role: AccessRole {
        switch self {
        case .policy, .certificates, .tcbBaselines, .distrusted: .reader
        case .setPolicy, .resetPolicy, .changeCertificate, .distrust, .trust: .contributor
        }
    }

    /// The path as the API writes it, for messages.
    var path: String {
        switch self {
        case .policy(let type), .setPolicy(let type): "/policies/\(type.rawValue)"
        case .resetPolicy(let type): "/policies/\(type.rawValue):reset"
        case .certificates: "/certificates"
        case .changeCertificate(.add): "/certificates:add"
        case .changeCertificate(.remove): "/certificates:remove"
        case .tcbBaselines(let type): "/tcbbaselines/\(type.rawValue)"
        case .distrusted, .distrust: "/distrust"
        case .trust(let mark): "/distrust/" + ((try? EvidenceMark(parsing: mark)).map(\.description) ?? "?")
        }
    }

    /// What the audit log calls it.
    var event: String {
        switch self {
        case .policy: "policy.get"
        case .setPolicy: "policy.set"
        case .resetPolicy: "policy.reset"
        case .certificates: "policy.certificate.list"
        case .changeCertificate(.add): "policy.certificate.add"
        case .changeCertificate(.remove): "policy.certificate.remove"
        case .tcbBaselines: "policy.baseline.list"
        case .distrusted: "distrust.list"
        case .distrust: "distrust.add"
        case .trust: "distrust.remove"
        }
    }
}
