/// Where a server listens, with which certificate, and what its clients may take up.
package struct Listen: Sendable {
    /// PEM files: certificate chain (leaf first) and private key.
    package struct Identity: Sendable {
        package var certificate: String
        package var key: String
    }

    package var host: String
    /// 0 asks for any free port.
    package var port: Int
    /// Nil without TLS, which `loopback` alone makes.
    package private(set) var identity: Identity?
    /// PEM file of the authorities of clients' certificates; nil to ask for none. A client may come without; a
    /// certificate that is not good ends the connection.
    package var clientAuthorities: String?
    /// Gets the bound port as one line, atomically, once the server listens.
    package var readyFile: String?
    package var limits = ServerLimits()
    /// Who may read `/metrics`: whoever can reach it on this machine, else nobody, unless a token is configured (AC-155).
    package var metricsReaders: MetricsReaders

    package init(host: String, port: Int, certificate: String, key: String, readyFile: String? = nil) {
        self.host = host
        self.port = port
        identity = Identity(certificate: certificate, key: key)
        self.readyFile = readyFile
        metricsReaders = MetricsReaders(host: host)
    }

    /// Plain HTTP for the processes of this machine, or container group, alone: who shares its network is trusted.
    package static func loopback(port: Int, readyFile: String? = nil) -> Listen {
        Listen(port: port, readyFile: readyFile)
    }

    private init(port: Int, readyFile: String?) {
        host = "127.0.0.1"
        self.port = port
        self.readyFile = readyFile
        metricsReaders = MetricsReaders(host: host)
    }

    /// Reads the block `listen` and the member `ready`.
    package init(_ configuration: inout Configuration) throws(ConfigurationError) {
        self.init(
            host: try configuration.string("listen.host", default: "127.0.0.1"),
            port: try configuration.integer("listen.port", default: 0),
            certificate: try configuration.path("listen.certificate"),
            key: try configuration.path("listen.key"),
            readyFile: try configuration.optionalPath("ready"))
        limits = try ServerLimits(&configuration)
        if let file = try configuration.optionalPath("listen.metricsToken") {
            metricsReaders = try MetricsReaders(tokenFile: file)
        }
    }
}
