/// What a key is used for, with the name that `key_ops` has for it; `release` needs no such name (key API reference,
/// sections 6 and 7).
package enum KeyOperation: String, Sendable, CaseIterable {
    case encrypt
    case decrypt
    case wrapKey
    case unwrapKey
    case sign
    case verify
    case release

    /// The last segment of the path.
    var segment: String { rawValue.lowercased() }

    init?(segment: String) {
        guard let operation = KeyOperation.allCases.first(where: { $0.segment == segment }) else { return nil }
        self = operation
    }

    /// What was protected or signed while a key was current stays usable after it.
    var isAllowedOutsideWindow: Bool { self == .decrypt || self == .unwrapKey || self == .verify }
}
