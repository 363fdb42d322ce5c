package import Encoding
import Synchronization

/// A master key in a PKCS #11 token: each generation is a key of the token that never leaves it, labelled NAME-1, NAME-2 …
package final class MasterKeyToken: MasterKeyHolder {
    private let token: PKCS11Token
    private let name: String
    private let handles = Mutex<[UInt32: UInt]>([:])

    /// - Parameters:
    ///   - module: path of the PKCS #11 module.
    ///   - label: of the token.
    ///   - pin: of its user.
    ///   - name: what the labels of its keys begin with.
    /// - Throws: `insecure-configuration` with what is missing or wrong.
    package init(module: String, label: String, pin: Secret, name: String) throws(Refusal) {
        token = try PKCS11Token(module: module, label: label, pin: pin)
        self.name = name
    }

    package func generations() throws(Refusal) -> [UInt32] {
        var found: [UInt32: UInt] = [:]
        do throws(PKCS11Token.Failure) {
            for (label, handle) in try token.keys() where label.hasPrefix(name + "-") {
                guard let generation = UInt32(label.dropFirst(name.utf8.count + 1)) else { continue }
                found[generation] = handle
            }
        } catch { throw MasterKeyToken.refusal(error) }
        handles.withLock { $0 = found }
        return found.keys.sorted()
    }

    package func add(_ generation: UInt32) throws(Refusal) {
        do throws(PKCS11Token.Failure) {
            let label = "\(name)-\(generation)"
            guard try token.keys()[label] == nil else { throw PKCS11Token.Failure(code: 0x1b) }
            let handle = try token.make(label)
            handles.withLock { $0[generation] = handle }
        } catch { throw MasterKeyToken.refusal(error) }
    }

    package func remove(_ generation: UInt32) throws(Refusal) {
        do throws(PKCS11Token.Failure) {
            if let key = try token.keys()["\(name)-\(generation)"] { try token.destroy(key) }
        } catch { throw MasterKeyToken.refusal(error) }
        handles.withLock { $0[generation] = nil }
    }

    package func seal(
        _ content: [UInt8], nonce: [UInt8], context: [UInt8], under generation: UInt32
    ) throws(Refusal) -> [UInt8] {
        let token = token
        do throws(PKCS11Token.Failure) {
            return nonce
                + (try using(generation) { key throws(PKCS11Token.Failure) in
                    try token.seal(content, nonce: nonce, context: context, key: key)
                })
        } catch { throw MasterKeyToken.refusal(error) }
    }

    package func open(_ sealed: [UInt8], context: [UInt8], under generation: UInt32) throws(Refusal) -> [UInt8] {
        guard sealed.count >= SealingKey.nonceLength else { throw MasterKeyToken.changed }
        let token = token
        let (nonce, rest) = (
            Array(sealed.prefix(SealingKey.nonceLength)), Array(sealed.dropFirst(SealingKey.nonceLength))
        )
        do throws(PKCS11Token.Failure) {
            return try using(generation) { key throws(PKCS11Token.Failure) in
                try token.open(rest, nonce: nonce, context: context, key: key)
            }
        } catch {
            let isChanged =
                MasterKeyToken.meansChanged.contains(error.code)
                || (MasterKeyToken.mayMeanChanged.contains(error.code) && works(generation))
            throw isChanged ? MasterKeyToken.changed : MasterKeyToken.refusal(error)
        }
    }

    /// Whether the token does its work with a generation at this moment.
    private func works(_ generation: UInt32) -> Bool {
        let (token, nonce) = (token, [UInt8](repeating: 0, count: SealingKey.nonceLength))
        // Nothing secret is sealed with this nonce, and what it seals is thrown away.
        return
            (try? using(generation) { key throws(PKCS11Token.Failure) in
                try token.open(
                    token.seal([], nonce: nonce, context: [], key: key), nonce: nonce, context: [], key: key)
            }) != nil
    }

    /// Calls with the key of a generation; when the token knows its handle no longer, with the one that it has now.
    private func using(
        _ generation: UInt32, _ body: (UInt) throws(PKCS11Token.Failure) -> [UInt8]
    ) throws(PKCS11Token.Failure) -> [UInt8] {
        if let key = handles.withLock({ $0[generation] }) {
            do throws(PKCS11Token.Failure) { return try body(key) } catch {
                guard MasterKeyToken.meansUnknown.contains(error.code) else { throw error }
            }
        }
        guard let key = try token.keys()["\(name)-\(generation)"] else { throw PKCS11Token.Failure(code: 0x60) }
        handles.withLock { $0[generation] = key }
        return try body(key)
    }

    /// Key handle invalid, object handle invalid.
    private static let meansUnknown: Set<UInt> = [0x60, 0x82]
    /// Encrypted data invalid, encrypted data of a wrong length, AEAD decryption failed.
    private static let meansChanged: Set<UInt> = [0x40, 0x41, 0x42]
    /// General error, function failed: what SoftHSM says of a wrong tag, and others when their device does not answer.
    private static let mayMeanChanged: Set<UInt> = [0x5, 0x6]
    private static let changed = Refusal(.blockAuthentication, "a sealed value does not open at its place")

    private static func refusal(_ failure: PKCS11Token.Failure) -> Refusal {
        Refusal(.notReady, "the PKCS #11 token does not answer: \(failure)")
    }
}
