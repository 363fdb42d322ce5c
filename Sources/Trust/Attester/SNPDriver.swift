import Encoding

#if canImport(Glibc)
    import Glibc
#endif

/// A device of a SEV-SNP guest that makes reports.
///
/// The call stands behind a closure, so that tests can answer with recorded bytes.
public struct SNPDriver: Sendable {
    /// Path of the device.
    public var path: String
    /// The response to a report request of 96 bytes: a status, and the report 32 bytes after its start.
    public var respond: @Sendable (_ request: [UInt8]) throws(SystemError) -> [UInt8]

    public init(path: String, respond: @escaping @Sendable (_ request: [UInt8]) throws(SystemError) -> [UInt8]) {
        self.path = path
        self.respond = respond
    }

    /// Bytes of a response: the driver's buffer.
    static let responseBytes = 4_000

    /// The devices that Linux has had, the older one first, since kernels that have it lack the other.
    public static let all: [SNPDriver] = [legacy, upstream]

    /// `/dev/sev` of Azure's 5.15 kernels: message types, lengths and addresses in 40 bytes.
    ///
    /// - Source: sidecars page section 3; ioctl 0xC0285301.
    static let legacy = SNPDriver(path: "/dev/sev") { request throws(SystemError) in
        var response = [UInt8](repeating: 0, count: responseBytes)
        var request = request
        try call("/dev/sev", 0xc028_5301, &request, &response) { from, to in
            // MSG_REPORT_REQ, MSG_REPORT_RSP, message version.
            var arguments: [UInt8] = [5, 6, 1, 0]
            arguments.appendLittleEndian(UInt16(96))
            arguments += [0, 0]
            arguments.appendLittleEndian(from)
            arguments.appendLittleEndian(UInt16(responseBytes))
            arguments += [UInt8](repeating: 0, count: 6)
            arguments.appendLittleEndian(to)
            return arguments + [UInt8](repeating: 0, count: 8)
        }
        return response
    }

    /// `/dev/sev-guest` of Linux 5.19 and later: message version, two addresses, an error.
    ///
    /// - Source: Linux `include/uapi/linux/sev-guest.h`; ioctl 0xC0205300.
    static let upstream = SNPDriver(path: "/dev/sev-guest") { request throws(SystemError) in
        var response = [UInt8](repeating: 0, count: responseBytes)
        var request = request
        try call("/dev/sev-guest", 0xc020_5300, &request, &response) { from, to in
            var arguments: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
            arguments.appendLittleEndian(from)
            arguments.appendLittleEndian(to)
            return arguments + [UInt8](repeating: 0, count: 8)
        }
        return response
    }

    /// One ioctl; `arguments` lays out the addresses of both buffers.
    private static func call(
        _ path: String, _ code: UInt, _ request: inout [UInt8], _ response: inout [UInt8],
        arguments: (_ request: UInt64, _ response: UInt64) -> [UInt8]
    ) throws(SystemError) {
        let number = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard number >= 0 else { throw SystemError(errno) }
        let device = OwnedDescriptor(number)
        let problem: Int32 = unsafe request.withUnsafeMutableBytes { from in
            unsafe response.withUnsafeMutableBytes { to in
                var arguments = arguments(
                    UInt64(UInt(bitPattern: from.baseAddress)), UInt64(UInt(bitPattern: to.baseAddress)))
                return unsafe arguments.withUnsafeMutableBytes { buffer in
                    guard let base = buffer.baseAddress else { return EINVAL }
                    return unsafe ioctl(device.number, code, base) == 0 ? 0 : errno
                }
            }
        }
        guard problem == 0 else { throw SystemError(problem) }
    }
}
