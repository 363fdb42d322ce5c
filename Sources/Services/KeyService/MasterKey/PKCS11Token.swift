import CPKCS11
import Dispatch
import Encoding
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A token of a PKCS #11 module, with sessions that calls take in turns.
///
/// A session that the module has lost (the token was unplugged, its connection was cut) is opened anew, and the call
/// tried once more.
@safe final class PKCS11Token: Sendable {
    /// A call of the module that failed, with its `CKR_…` code.
    struct Failure: Error, CustomStringConvertible {
        let code: UInt
        var description: String { "PKCS #11 result 0x" + String(code, radix: 16) }
    }

    typealias Session = UInt

    /// Most sessions at the same time; further calls wait.
    private static let maximumSessions = 8
    /// Session closed, session handle invalid, user not logged in, device error, device removed, token not present.
    private static let lost: Set<UInt> = [0xb0, 0xb3, 0x101, 0x30, 0x32, 0xe0]

    /// PIN incorrect, invalid, expired, locked.
    private static let wrongPIN: Set<UInt> = [0xa0, 0xa1, 0xa3, 0xa4]

    // The module locks for itself (CKF_OS_LOCKING_OK).
    private nonisolated(unsafe) let token: OpaquePointer
    private let pin: Secret
    private let idle = Mutex<[Session]>([])
    /// The answer to a PIN that the token did not take: trying again would lock the token.
    private let refusedPIN = Mutex<UInt?>(nil)
    private let slots = DispatchSemaphore(value: maximumSessions)

    /// - Parameters:
    ///   - module: path of the shared library.
    ///   - label: of the token.
    /// - Throws: `insecure-configuration` with what is missing or wrong.
    init(module: String, label: String, pin: Secret) throws(Refusal) {
        var token: OpaquePointer?
        let result = unsafe cloister_token_open(module, label, &token)
        guard result == 0, let token = unsafe token else {
            let reason =
                switch Int(result) {
                case Int(CLOISTER_PKCS11_NO_MODULE): "the module cannot be loaded"
                case Int(CLOISTER_PKCS11_NO_TOKEN): "no slot holds a token of that label"
                default: "\(Failure(code: result))"
                }
            throw Refusal(.insecureConfiguration, "the PKCS #11 token cannot be used: \(reason)")
        }
        unsafe self.token = token
        self.pin = pin
        do throws(Failure) { release(try session()) } catch {
            let reason = error.code == 0xa0 ? "the PIN is wrong" : "\(error)"
            throw Refusal(.insecureConfiguration, "the PKCS #11 token cannot be used: \(reason)")
        }
    }

    deinit {
        for session in idle.withLock({ $0 }) { unsafe cloister_session_close(token, session) }
        unsafe cloister_token_close(token)
    }

    private func session() throws(Failure) -> Session {
        if let session = idle.withLock({ $0.popLast() }) { return session }
        if let code = refusedPIN.withLock({ $0 }) { throw Failure(code: code) }
        var session: Session = 0
        try PKCS11Token.check(unsafe cloister_session_open(token, &session))
        let opened = session
        let result = pin.withBytes { pin in unsafe cloister_session_login(token, opened, pin, pin.count) }
        guard result == 0 else {
            unsafe cloister_session_close(token, session)
            if PKCS11Token.wrongPIN.contains(result) { refusedPIN.withLock { $0 = result } }
            throw Failure(code: result)
        }
        return session
    }

    private func release(_ session: Session) { idle.withLock { $0.append(session) } }

    private static func check(_ result: UInt) throws(Failure) {
        guard result == 0 else { throw Failure(code: result) }
    }

    /// Calls the module with a session.
    ///
    /// - Parameter isRepeatable: whether it does no harm that the first try may have been done.
    private func call<Value>(
        isRepeatable: Bool = true, _ body: (Session) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        slots.wait()
        defer { slots.signal() }
        for isLast in isRepeatable ? [false, true] : [true] {
            let session = try session()
            do throws(Failure) {
                let value = try body(session)
                release(session)
                return value
            } catch {
                guard PKCS11Token.lost.contains(error.code), !isLast else {
                    // An operation that failed may still be going on in the session.
                    unsafe cloister_session_close(token, session)
                    throw error
                }
                unsafe cloister_session_close(token, session)
                let others = idle.withLock { idle in
                    defer { idle = [] }
                    return idle
                }
                for other in others { unsafe cloister_session_close(token, other) }
            }
        }
        throw Failure(code: 0xb3)
    }

    // MARK: Keys

    /// The AES keys in the token, by label.
    func keys() throws(Failure) -> [String: UInt] {
        try call { session throws(Failure) in
            var handles = [UInt](repeating: 0, count: 4_096)
            var count = handles.count
            try PKCS11Token.check(unsafe cloister_keys(token, session, &handles, &count))
            var keys: [String: UInt] = [:]
            for handle in handles.prefix(count) {
                var label = [UInt8](repeating: 0, count: 256)
                var length = label.count
                guard unsafe cloister_key_label(token, session, handle, &label, &length) == 0 else { continue }
                keys[String(decoding: label.prefix(length), as: UTF8.self)] = handle
            }
            return keys
        }
    }

    /// Makes a key that never leaves the token.
    func make(_ label: String) throws(Failure) -> UInt {
        try call(isRepeatable: false) { session throws(Failure) in
            let name = Array(label.utf8)
            var key: UInt = 0
            try PKCS11Token.check(unsafe cloister_key_make(token, session, name, name.count, &key))
            return key
        }
    }

    func destroy(_ key: UInt) throws(Failure) {
        _ = try call { session throws(Failure) in
            try PKCS11Token.check(unsafe cloister_key_destroy(token, session, key))
            return true
        }
    }

    /// Ciphertext ‖ tag.
    func seal(_ content: [UInt8], nonce: [UInt8], context: [UInt8], key: UInt) throws(Failure) -> [UInt8] {
        try call { session throws(Failure) in
            var sealed = [UInt8](repeating: 0, count: content.count + Int(CLOISTER_PKCS11_TAG))
            var length = sealed.count
            try PKCS11Token.check(
                unsafe cloister_key_seal(
                    token, session, key, nonce, nonce.count, context, context.count, content, content.count, &sealed,
                    &length))
            return Array(sealed.prefix(length))
        }
    }

    func open(_ sealed: [UInt8], nonce: [UInt8], context: [UInt8], key: UInt) throws(Failure) -> [UInt8] {
        try call { session throws(Failure) in
            // Some modules ask for room for the tag, too.
            var content = [UInt8](repeating: 0, count: sealed.count)
            defer {
                unsafe content.withUnsafeMutableBytes { bytes in
                    if let start = bytes.baseAddress { unsafe explicit_bzero(start, bytes.count) }
                }
            }
            var length = content.count
            try PKCS11Token.check(
                unsafe cloister_key_unseal(
                    token, session, key, nonce, nonce.count, context, context.count, sealed, sealed.count, &content,
                    &length))
            return Array(content.prefix(length))
        }
    }
}
