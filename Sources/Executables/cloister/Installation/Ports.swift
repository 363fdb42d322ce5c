import Encoding

#if canImport(Glibc)
    import Glibc
#endif

/// The ports of one installation: free ones, chosen once and kept, since issuer names and pins hold them.
struct Ports: Sendable {
    private var numbers: [String: Int]

    /// Those in `installation.json`, or new ones that are written there.
    init(_ state: StateFolder, names: [String]) throws(CommandFailure) {
        let file = state["installation.json"]
        numbers = [:]
        if Files.exists(file) {
            for (name, value) in try Files.json(file)["ports"]?.object ?? [:] {
                if let port = value.integer, (1...65_535).contains(port) { numbers[name] = Int(port) }
            }
        }
        let missing = names.filter { numbers[$0] == nil }
        guard !missing.isEmpty else { return }
        for (name, port) in zip(missing, try Ports.free(missing.count)) { numbers[name] = port }
        let json: JSON = [
            "format": "cloister-installation/1", "ports": .object(numbers.mapValues { .integer(Int64($0)) }),
        ]
        try Files.write(json.canonical, to: file)
    }

    subscript(name: String) -> Int { numbers[name] ?? 0 }

    /// The URL of a server, in the one form that issuer names and pins use.
    func url(_ name: String) -> String { "https://localhost:\(self[name])" }

    /// Ports that nobody listens on at this moment, each different.
    static func free(_ count: Int) throws(CommandFailure) -> [Int] {
        var sockets: [Int32] = []
        // All are held until all are known, so that none is given twice.
        defer { for socket in sockets { close(socket) } }
        var ports: [Int] = []
        for _ in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw CommandFailure("no socket can be opened") }
            sockets.append(descriptor)
            guard let port = bindLoopback(descriptor) else { throw CommandFailure("no free port was found") }
            ports.append(port)
        }
        return ports
    }

    private static func bindLoopback(_ descriptor: Int32) -> Int? {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard unsafe bind(descriptor, pointer, length) == 0,
                    unsafe getsockname(descriptor, pointer, &length) == 0
                else { return Int?.none }
                return unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    unsafe Int(UInt16(bigEndian: $0.pointee.sin_port))
                }
            }
        }
    }
}
