import Encoding
import Synchronization

/// Which party each process named in its first hello: host data is given at launch and never changes
/// (architecture section 11 rule 10).
///
/// Bounded: ended processes are forgotten when it is full, and a new process is refused when that frees nothing.
final class PartyRegister: Sendable {
    static let maximumProcesses = 4_096

    private let parties = Mutex<[CallerProcess.Identity: Digest]>([:])

    /// Records the party of a process, or checks it against the one recorded.
    ///
    /// - Throws: `config-mismatch` for another party than before, `too-many` when full.
    func fix(_ party: Digest, for process: CallerProcess.Identity) throws(Refusal) {
        try parties.withLock { parties throws(Refusal) in
            if let known = parties[process] {
                guard known == party else {
                    throw Refusal(.configMismatch, "the process named another party before")
                }
                return
            }
            if parties.count >= Self.maximumProcesses {
                parties = parties.filter { CallerProcess.isRunning($0.key) }
                guard parties.count < Self.maximumProcesses else { throw Refusal(.tooMany, "too many processes") }
            }
            parties[process] = party
        }
    }
}
