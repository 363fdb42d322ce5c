import CProcessMemory
import Telemetry

/// Keeps keys out of core dumps, other processes of the same user, and swap.
enum ProcessMemory {
    /// What cannot be had is said in the log: memory can be locked without a limit only where the service may
    /// (`LimitMEMLOCK=infinity` in a systemd unit, or the superuser).
    static func protect(_ log: Log) {
        let missing = cloister_protect_memory()
        func lacks(_ flag: Int) -> Bool { Int(missing) & flag != 0 }
        if lacks(CLOISTER_MEMORY_DUMPED) { log.warning("core dumps could not be switched off") }
        if lacks(CLOISTER_MEMORY_READABLE) { log.warning("other processes of this user can read this one") }
        if lacks(CLOISTER_MEMORY_LIMITED) {
            log.warning("memory is not locked: keys may get into swap; lift the limit on locked memory")
        }
        if lacks(CLOISTER_MEMORY_UNLOCKED) {
            log.warning("memory could not be locked: keys may get into swap")
        }
    }
}
