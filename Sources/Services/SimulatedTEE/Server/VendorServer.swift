import Encoding
import EvidenceForge
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// The simulated vendors' web services over plain HTTP, so that verifiers of other people can be pointed at them.
///
/// What it answers is signed by the vendors' keys: who needs it unchanged verifies it, over whichever way it came.
struct VendorServer: Sendable {
    let endpoints: VendorEndpoints
    let clock: WallClock

    /// Listens on 127.0.0.1 only.
    func service(port: Int) -> some Service {
        let quiet = Logger(label: "vendors") { _ in SwiftLogNoOpLogHandler() }
        let responder = CallbackResponder<BasicRequestContext> { request, _ in self.answer(request) }
        return Application(
            responder: responder, server: .http1(configuration: .init(idleTimeout: .seconds(30))),
            configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: nil, backlog: 64),
            logger: quiet)
    }

    private func answer(_ request: Request) -> Response {
        guard request.method == .get else { return Response(status: .methodNotAllowed) }
        let answer: EndpointAnswer
        do { answer = try endpoints.answer(request.uri.string, at: clock.now()) } catch {
            return Response(status: .internalServerError)
        }
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}
