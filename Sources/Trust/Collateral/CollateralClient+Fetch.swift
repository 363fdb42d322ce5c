import Encoding
import Evidence
import Synchronization

// Asking services, with the bookkeeping of who is left alone until when.
extension CollateralClient {
    /// Asks one service after the other.
    ///
    /// - Parameter known: what is known already; an answer that was issued earlier is refused.
    func fetch(_ request: CollateralRequest, after known: Held?) async throws(Refusal) -> Held {
        var problem = CollateralClient.nobody(request)
        guard let transport else { throw problem }
        for route in services.routes(request) {
            do throws(Refusal) { return try await fetch(request, after: known, by: route, transport) } catch {
                problem = error
            }
        }
        throw problem
    }

    private func fetch(
        _ request: CollateralRequest, after known: Held?, by route: CollateralServices.Route,
        _ transport: any CollateralTransport
    ) async throws(Refusal) -> Held {
        let name = "\(request.what) for \(request.platform)"
        if let pause = pause(request, route), pause.notBefore > clock.now() {
            throw Refusal(
                pause.isOutage ? .collateralUnavailable : .collateralInvalid,
                "\(name): \(route.service) failed before; retry after \(pause.notBefore)")
        }
        // Before asking, since a service that limits its answers should not be asked for what cannot be proven.
        let issuers = route.bringsIssuers ? nil : try await issuers(of: request)
        let response: CollateralResponse
        do throws(Refusal) { response = try await transport.get(route.url) } catch {
            let pause = fail(nil, route, isOutage: true)
            throw Refusal(.collateralUnavailable, "\(name): \(error.detail); retry after \(pause)")
        }
        let now = clock.now()
        guard response.status == 200 else {
            // These two speak for the whole service, others for the item.
            let isBusy = response.status == 429 || response.status == 503
            let isOutage = isBusy || response.status == 408 || response.status >= 500
            let pause = fail(
                isBusy ? nil : request, route, asked: BackOff.retryAfter(response.headers["retry-after"], at: now),
                isOutage: isOutage)
            throw Refusal(
                isOutage ? .collateralUnavailable : .collateralInvalid,
                "\(name): \(route.service) answered \(response.status); retry after \(pause)")
        }
        do throws(Refusal) {
            let answer = try CollateralAnswer(request, response)
            guard let issuers = answer.issuers ?? issuers else {
                throw Refusal(.collateralInvalid, "the answer lacks the certificates that prove it")
            }
            let proven = try CollateralItem(request: request, content: answer.content, issuers: issuers)
                .proven(anchors)
            try proven.publication.requireCurrent(at: now)
            if let known, known.proven.publication.notBefore > proven.publication.notBefore {
                throw Refusal(.collateralInvalid, "it was issued before the one that is known already")
            }
            succeed(request, route)
            return Held(proven: proven, fetched: now, attempted: now)
        } catch {
            let pause = fail(request, route, isOutage: false)
            throw Refusal(
                .collateralInvalid,
                "\(name): what \(route.service) answered is refused: \(error.detail); "
                    + "retry after \(pause)")
        }
    }

    /// The certificates up to the root, for answers that come without.
    private func issuers(of request: CollateralRequest) async throws(Refusal) -> String {
        switch request {
        case .endorsement(let product, _, _):
            return try await item(.endorsementIssuers(product, .vcek), at: clock.now()).item.chain()
        case .endorsementRevocationList(let product, let kind):
            return try await item(.endorsementIssuers(product, kind), at: clock.now()).item.chain()
        case .rootRevocationList:
            // Any chain that ends in the root will do.
            for ca in [CollateralRequest.PCKAuthority.processor, .platform] {
                if let held = heldItem(.pckRevocationList(ca)) { return held.proven.item.issuers }
            }
            return try await item(.pckRevocationList(.platform), at: clock.now()).item.issuers
        case .tcbInfo, .qeIdentity, .pckRevocationList, .endorsementIssuers: return ""
        }
    }
}

// MARK: Back-off

extension CollateralClient {
    private static func key(_ request: CollateralRequest, _ route: CollateralServices.Route) -> String {
        route.service + " " + request.path
    }

    /// Until when the service, or this item of it, is left alone; nil when nothing failed.
    private func pause(_ request: CollateralRequest, _ route: CollateralServices.Route) -> BackOff? {
        let key = CollateralClient.key(request, route)
        return state.withLock { state in
            [state.serviceBackOff[route.service], state.itemBackOff[key]].compactMap(\.self)
                .max { $0.notBefore < $1.notBefore }
        }
    }

    /// Notes a failure, and returns when it makes sense to ask again.
    ///
    /// - Parameters:
    ///   - request: the item that failed; nil for the whole service.
    ///   - isOutage: whether the service failed, and not what it has of the item.
    private func fail(
        _ request: CollateralRequest?, _ route: CollateralServices.Route, asked: Timestamp? = nil, isOutage: Bool
    ) -> Timestamp {
        let now = clock.now()
        let key = request.map { CollateralClient.key($0, route) }
        return state.withLock { state in
            var backOff = (key.map { state.itemBackOff[$0] } ?? state.serviceBackOff[route.service]) ?? BackOff()
            backOff.fail(at: now, asked: asked, isOutage: isOutage)
            if let key { state.itemBackOff.set(key, backOff) } else { state.serviceBackOff[route.service] = backOff }
            return backOff.notBefore
        }
    }

    private func succeed(_ request: CollateralRequest, _ route: CollateralServices.Route) {
        let key = CollateralClient.key(request, route)
        state.withLock { state in
            state.serviceBackOff[route.service] = nil
            if state.itemBackOff[key] != nil { state.itemBackOff.set(key, BackOff()) }
        }
    }
}
