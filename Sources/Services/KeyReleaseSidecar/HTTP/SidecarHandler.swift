import Encoding
import HTTPTypes
package import ServiceKit

/// The sidecar's documented HTTP interface (sidecars page section 4).
package struct SidecarHandler: RequestHandler {
    private let attester: GroupAttester
    private let releaser: KeyReleaser

    package init(attester: GroupAttester, releaser: KeyReleaser) {
        self.attester = attester
        self.releaser = releaser
    }

    private enum Route: String {
        case status = "/status"
        case raw = "/attest/raw"
        case combined = "/attest/combined"
        case token = "/attest/maa"
        case release = "/key/release"

        var method: HTTPRequest.Method { self == .status ? .get : .post }
    }

    package func respond(to request: ServerRequest) async -> ServerResponse {
        guard let route = Route(rawValue: request.path) else {
            return .json(["error": "there is no such path"], status: 404)
        }
        guard request.method == route.method else {
            var response = ServerResponse.json(["error": "the method is not allowed"], status: 405)
            response.headers[.allow] = route.method.rawValue
            return response
        }
        do throws(SidecarError) {
            return .json(try await answer(route, request))
        } catch {
            return error.response
        }
    }

    package func route(of request: ServerRequest) -> StaticString {
        switch Route(rawValue: request.path) {
        case .status: "/status"
        case .raw: "/attest/raw"
        case .combined: "/attest/combined"
        case .token: "/attest/maa"
        case .release: "/key/release"
        case nil: "unknown"
        }
    }

    package func readiness() async -> Readiness {
        Readiness(isReady: await attester.isReady)
    }

    private func answer(_ route: Route, _ request: ServerRequest) async throws(SidecarError) -> JSON {
        switch route {
        case .status: return ["message": .string(await attester.isReady ? "Status OK" : "Status NOT OK")]
        case .raw: return try await raw(SidecarRequest(request))
        case .combined: return try await combined(SidecarRequest(request))
        case .token: return try await token(SidecarRequest(request))
        case .release: return try await release(SidecarRequest(request))
        }
    }
}

// MARK: Routes

extension SidecarHandler {
    private func raw(_ request: SidecarRequest) async throws(SidecarError) -> JSON {
        let data = try request.runtimeData()
        do throws(Refusal) { _ = try attester.context.policyDigest() } catch {
            throw SidecarError(status: 403, step: .report, cause: error)
        }
        do throws(Refusal) {
            return ["report": .string(Hex.encode(try await attester.report(over: data)))]
        } catch {
            // No answer of the device is this machine's trouble, anything else a report that is refused.
            throw SidecarError(status: error.code == .notReady ? 500 : 403, step: .report, cause: error)
        }
    }

    private func combined(_ request: SidecarRequest) async throws(SidecarError) -> JSON {
        let data = try request.runtimeData()
        do throws(Refusal) {
            let endorsed = try await attester.endorsed(over: data)
            return [
                "endorsed_tcb": .string(endorsed.certificates.tcbText),
                "endorsements": .string(Base64.encodeStandard(endorsed.certificates.pem.utf8)),
                "evidence": .string(Base64.encodeStandard(endorsed.report)),
                "uvm_endorsements": .string(attester.context.endorsementText),
            ]
        } catch {
            throw SidecarError(status: 500, step: .attestation, cause: error)
        }
    }

    private func token(_ request: SidecarRequest) async throws(SidecarError) -> JSON {
        let service = try request.endpoint("maa_endpoint")
        let data = try request.runtimeData()
        do throws(Refusal) {
            return ["token": .string(try await attester.token(over: data, from: service.url))]
        } catch {
            throw SidecarError(status: 403, step: .attestation, cause: error)
        }
    }

    private func release(_ request: SidecarRequest) async throws(SidecarError) -> JSON {
        let wish = KeyReleaser.Wish(
            attestation: try request.endpoint("maa_endpoint"), vault: try request.endpoint("akv_endpoint"),
            key: try request.required("kid"), accessToken: try request.optional("access_token"))
        guard ServiceEndpoint.isKeyName(wish.key) else {
            throw SidecarError(
                status: 400, step: .request,
                cause: Refusal(.nameInvalid, "member kid is neither a key's name nor name and version"))
        }
        do throws(Refusal) {
            return ["key": .string(try await releaser.release(wish).text)]
        } catch {
            throw SidecarError(status: error.code == .tooMany ? 429 : 403, step: .release, cause: error)
        }
    }
}
