import Encoding
import KeyService

/// Somebody who may hold a share of a security domain.
struct DomainHolder: Sendable {
    let file: String
    /// DER.
    let certificate: [UInt8]
    /// As the list `domainHolders` of a key service names them.
    let pin: Digest

    /// - Parameter file: a certificate, PEM or DER.
    /// - Throws: wrong usage for what is none, or one without an RSA key.
    init(file: String) throws(CommandFailure) {
        let bytes = try Files.readArgument(file, maximumBytes: 65_536)
        self.file = file
        certificate = PEM.decode(String(decoding: bytes, as: UTF8.self), label: "CERTIFICATE")?.first ?? bytes
        do throws(Refusal) { pin = try DomainShare.holder(certificate).pin } catch {
            throw .usage("\(file): \(error.detail)")
        }
    }

    var json: JSON { ["file": .string(file), "pin": .string("\(pin)")] }
}

/// Those whom the person at the keyboard named for the hospital's key service, by their certificates in
/// `hospital/config/domain-holders`.
struct DomainHolders {
    private let folder: String

    init(_ state: StateFolder) { folder = state.party(.hospital, "config/domain-holders") }

    func add(_ holders: [DomainHolder]) throws(CommandFailure) {
        for holder in holders {
            try Files.makeFolder(folder)
            let pem = PEM.encode(holder.certificate, label: "CERTIFICATE")
            try Files.update(pem.utf8, to: "\(folder)/\(holder.pin.hex.prefix(16)).pem")
        }
    }

    func pins() throws(CommandFailure) -> [String] {
        var pins: [String] = []
        for name in Files.list(folder) where name.hasSuffix(".pem") {
            pins.append(try DomainHolder(file: "\(folder)/\(name)").pin.description)
        }
        return pins
    }
}
