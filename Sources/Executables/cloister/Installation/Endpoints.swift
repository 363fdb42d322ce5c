import Encoding

/// `endpoints.json`: where each service of an installation is.
enum Endpoints {
    /// The name of the port at which `simulated-tee` answers for the vendors' web services.
    static let vendors = "vendors"

    static func json(_ ports: Ports) -> JSON {
        var members: [String: JSON] = ["format": "cloister-endpoints/1"]
        for service in Service.servers { members[service.rawValue] = ["url": .string(ports.url(service.rawValue))] }
        // The simulated vendors': plain HTTP, as a PCCS on its own machine has it.
        members[vendors] = ["url": .string("http://127.0.0.1:\(ports[vendors])")]
        return .object(members)
    }
}
