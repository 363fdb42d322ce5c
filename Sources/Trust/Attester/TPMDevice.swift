#if canImport(Glibc)
    import Glibc
#endif

/// A TPM 2.0: one command in, one response out.
///
/// The exchange stands behind a closure, so that tests can answer with recorded bytes.
public struct TPMDevice: Sendable {
    public var transmit: @Sendable (_ command: [UInt8]) throws(SystemError) -> [UInt8]

    public init(transmit: @escaping @Sendable (_ command: [UInt8]) throws(SystemError) -> [UInt8]) {
        self.transmit = transmit
    }

    /// The kernel's resource manager, which keeps the programs of a machine apart.
    public static let path = "/dev/tpmrm0"

    /// This machine's.
    public static let system = TPMDevice { command throws(SystemError) in
        let number = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard number >= 0 else { throw SystemError(errno) }
        let device = OwnedDescriptor(number)
        let sent = unsafe command.withUnsafeBytes { unsafe write(device.number, $0.baseAddress, $0.count) }
        guard sent == command.count else { throw SystemError(sent < 0 ? errno : EIO) }
        var response = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe response.withUnsafeMutableBytes { unsafe read(device.number, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw SystemError(errno) }
        return Array(response.prefix(count))
    }
}
