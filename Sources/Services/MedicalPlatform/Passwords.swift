import Crypto
import CryptoExtras
import Encoding
import ServiceKit
import Synchronization

/// Password hashes: scrypt (RFC 7914) through swift-crypto, with the parameters in the hash.
///
/// An actor, so that at most one derivation runs at a time: each takes 32 MiB and some 0.1 s on purpose.
actor Passwords {
    /// log2 of the cost, block size and parallelism: 32 MiB a derivation.
    private static let logCost = 15
    private static let blockSize = 8
    private static let parallelism = 1
    /// Shortest password that is accepted, in characters.
    static let minimumLength = 12
    private static let maximumBytes = 1_024

    private let randomness: Randomness

    init(randomness: Randomness = .system) {
        self.randomness = randomness
    }

    /// The text to store for a new password.
    ///
    /// - Throws: `request-malformed` for a password that is too short or over-long.
    func hash(_ password: String) throws(Refusal) -> String {
        guard password.count >= Passwords.minimumLength, password.utf8.count <= Passwords.maximumBytes else {
            throw Refusal(.requestMalformed, "a password has at least \(Passwords.minimumLength) characters")
        }
        let salt = randomness.bytes(16)
        let key = try derive(password, salt: salt, logCost: Passwords.logCost)
        return "scrypt$\(Passwords.logCost)$\(Base64.encodeURL(salt))$\(Base64.encodeURL(key))"
    }

    /// Whether `password` is the one behind `stored`. With nil it costs the same and says no, so that the time does not
    /// tell which users exist.
    func matches(_ password: String, _ stored: String?) throws(Refusal) -> Bool {
        guard password.utf8.count <= Passwords.maximumBytes else { return false }
        let parts = stored?.split(separator: "$").map(String.init) ?? []
        guard parts.count == 4, parts[0] == "scrypt", let logCost = Int(parts[1]), (10...20).contains(logCost),
            let salt = Base64.decode(parts[2]), let expected = Base64.decode(parts[3])
        else {
            _ = try derive(password, salt: [UInt8](repeating: 0, count: 16), logCost: Passwords.logCost)
            return false
        }
        return constantTimeEquals(try derive(password, salt: salt, logCost: logCost), expected)
    }

    private func derive(_ password: String, salt: [UInt8], logCost: Int) throws(Refusal) -> [UInt8] {
        do {
            let key = try KDF.Scrypt.deriveKey(
                from: Array(password.utf8), salt: salt, outputByteCount: 32, rounds: 1 << logCost,
                blockSize: Passwords.blockSize, parallelism: Passwords.parallelism)
            return unsafe key.withUnsafeBytes { unsafe Array($0) }
        } catch {
            throw Refusal(.unavailable, "the password could not be checked now")
        }
    }
}
