/// Writes the small YAML files that services read. Strings are always quoted, so nothing is taken for another type.
enum YAML {
    indirect enum Node {
        case text(String)
        case number(Int)
        case texts([String])
        case items([[(String, Node)]])
        case members([(String, Node)])
    }

    static func document(_ comment: String, _ members: [(String, Node)]) -> String {
        "# \(comment)\n" + text(members, indent: "")
    }

    private static func text(_ members: [(String, Node)], indent: String) -> String {
        var result = ""
        for (name, node) in members {
            switch node {
            case .text(let value): result += "\(indent)\(name): \(quoted(value))\n"
            case .number(let value): result += "\(indent)\(name): \(value)\n"
            case .texts(let values):
                result += values.isEmpty ? "\(indent)\(name): []\n" : "\(indent)\(name):\n"
                for value in values { result += "\(indent)  - \(quoted(value))\n" }
            case .members(let inner): result += "\(indent)\(name):\n" + text(inner, indent: indent + "  ")
            case .items(let items):
                result += items.isEmpty ? "\(indent)\(name): []\n" : "\(indent)\(name):\n"
                for item in items {
                    let lines = text(item, indent: indent + "    ")
                    result += indent + "  - " + lines.dropFirst(indent.count + 4)
                }
            }
        }
        return result
    }

    private static func quoted(_ value: String) -> String {
        "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
