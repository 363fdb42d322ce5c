import Encoding

/// `endpoints.json`: where each service of an installation is.
enum Endpoints {
    static func json(_ ports: Ports) -> JSON {
        var members: [String: JSON] = ["format": "cloister-endpoints/1"]
        for service in Service.servers { members[service.rawValue] = ["url": .string(ports.url(service.rawValue))] }
        return .object(members)
    }
}
