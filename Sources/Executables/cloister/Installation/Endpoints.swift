import Encoding

/// `endpoints.json`: where each service of an installation is.
enum Endpoints {
    static func json(_ ports: Ports) -> JSON {
        var members: [String: JSON] = ["format": "cloister-endpoints/1"]
        for name in Service.listeners { members[name] = ["url": .string(ports.url(name))] }
        return .object(members)
    }
}
