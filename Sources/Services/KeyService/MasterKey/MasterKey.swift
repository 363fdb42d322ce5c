package import Encoding
import Synchronization

/// The key under which everything in the key service's database is sealed (architecture rule 35: a backup of the database
/// is useless without it).
///
/// It has generations: the newest seals, and those before it open what they sealed until nothing of that is left. A
/// sealed value is generation (4 bytes, big-endian) ‖ nonce ‖ ciphertext ‖ tag.
package final class MasterKey: Sendable {
    private let holder: any MasterKeyHolder
    private let randomness: Randomness
    /// Ascending, never empty.
    private let state: Mutex<[UInt32]>
    /// Held by whoever changes the generations, from looking to writing.
    private let changing = Mutex<Void>(())

    /// - Parameter mayCreate: false once there is a database, which a fresh key could not open.
    /// - Throws: `state-rollback` when there is no master key and none may be made; what the holder throws.
    package init(in holder: any MasterKeyHolder, mayCreate: Bool, randomness: Randomness = .system) throws(Refusal) {
        var generations = try holder.generations()
        if generations.isEmpty {
            guard mayCreate else {
                throw Refusal(.stateRollback, "the database is there, but the master key that opens it is missing")
            }
            try holder.add(1)
            generations = [1]
        }
        self.holder = holder
        self.randomness = randomness
        state = Mutex(generations)
    }

    /// Those that open something, ascending; the last one seals.
    package var generations: [UInt32] { state.withLock { $0 } }
    var newest: UInt32 { state.withLock { $0.last ?? 1 } }

    /// - Parameter place: names table, row and column; a value that was moved elsewhere does not open.
    func seal(_ content: [UInt8], place: JSON) throws(Refusal) -> [UInt8] {
        let generation = newest
        let sealed = try holder.seal(
            content, nonce: randomness.bytes(SealingKey.nonceLength), context: place.canonical, under: generation)
        return MasterKey.prefix(generation) + sealed
    }

    /// - Throws: `block-authentication` when the value was changed, moved, or sealed under another master key.
    func open(_ sealed: [UInt8], place: JSON) throws(Refusal) -> [UInt8] {
        guard let generation = MasterKey.generation(of: sealed), generations.contains(generation) else {
            throw Refusal(.blockAuthentication, "a stored value was not sealed under this master key")
        }
        return try holder.open(Array(sealed.dropFirst(4)), context: place.canonical, under: generation)
    }

    /// Whether a value was sealed by a generation before this one.
    func isSealed(_ sealed: [UInt8], before generation: UInt32) -> Bool {
        MasterKey.generation(of: sealed).map { $0 < generation } ?? true
    }

    // MARK: Rotation

    /// Adds a generation, which seals from now on.
    package func rotate() throws(Refusal) -> UInt32 {
        try changing.withLock { _ throws(Refusal) in
            let next = newest + 1
            try holder.add(next)
            state.withLock { $0.append(next) }
            return next
        }
    }

    /// Destroys the generations before one. Nothing may be sealed under them any more.
    func retire(before generation: UInt32) throws(Refusal) {
        try changing.withLock { _ throws(Refusal) in
            for former in generations where former < generation {
                try holder.remove(former)
                state.withLock { $0.removeAll { $0 == former } }
            }
        }
    }

    // MARK: Form

    /// The first bytes of what a generation sealed; in the order of the generations.
    static func prefix(_ generation: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(generation)
        return bytes
    }

    private static func generation(of sealed: [UInt8]) -> UInt32? {
        guard sealed.count > 4 else { return nil }
        return sealed.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// Where the generations of a master key are kept, and where they seal and open.
package protocol MasterKeyHolder: Sendable {
    /// Ascending.
    func generations() throws(Refusal) -> [UInt32]
    /// Makes a generation, which must not be there; when this returns, it is kept.
    func add(_ generation: UInt32) throws(Refusal)
    func remove(_ generation: UInt32) throws(Refusal)
    /// nonce ‖ ciphertext ‖ tag.
    func seal(
        _ content: [UInt8], nonce: [UInt8], context: [UInt8], under generation: UInt32
    ) throws(Refusal) -> [UInt8]
    /// - Throws: `block-authentication`; `not-ready` when the holder does not answer.
    func open(_ sealed: [UInt8], context: [UInt8], under generation: UInt32) throws(Refusal) -> [UInt8]
}
