import Encoding
import Hummingbird
import NIOCore
import NIOSSL

/// What Hummingbird knows of a request, with its connection.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// SHA-256 of the public key in the client's certificate; nil without one. The handshake has verified it.
    func clientKey() async -> Digest? {
        guard let certificate = try? await channel.nioSSL_peerCertificate().get(),
            let key = try? certificate.extractPublicKey().toSPKIBytes()
        else { return nil }
        return Digest(of: key)
    }
}
