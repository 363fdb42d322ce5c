import Yams

/// Why a service does not start: every problem of its configuration, said for the person who edits the file.
package struct ConfigurationError: Error, CustomStringConvertible, Sendable {
    package var problems: [String]
    package var description: String { problems.joined(separator: "\n") }

    package init(_ problem: String) { problems = [problem] }
}

/// One YAML file, overridable by environment and flags; unknown keys are errors.
///
/// Names are dotted paths. `listen.port` is overridden by `CLOISTER_LISTEN_PORT`, `insecureSimulatedRoot` by
/// `CLOISTER_INSECURE_SIMULATED_ROOT`. Flags win over the environment, which wins over the file.
package struct Configuration: Sendable {
    private var values: [String: Value]
    private let folder: String
    private let environment: [String: String]
    private var flags: Set<String> = []
    private var asked: Set<String> = []
    private var used: [String: String] = [:]

    private enum Value: Sendable {
        case scalar(String)
        case list([[String: String]])
        case strings([String])
    }

    /// - Parameters:
    ///   - file: path of the YAML file; relative paths inside it are relative to its folder.
    ///   - environment: of the process.
    ///   - flags: dotted names and values.
    package init(
        file: String, environment: [String: String] = [:], flags: [String: String] = [:]
    ) throws(ConfigurationError) {
        let bytes: [UInt8]
        do { bytes = try AtomicFile.read(file, maximumBytes: 1 << 20) } catch {
            throw ConfigurationError("the configuration file cannot be read (\(error))")
        }
        folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
        let root: Node?
        do { root = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self)) } catch {
            throw ConfigurationError("the configuration file is not YAML: \(error)")
        }
        self.environment = environment
        values = [:]
        if let root { try read(root, prefix: "") }
        for (name, value) in flags { values[name] = .scalar(value) }
        self.flags = Set(flags.keys)
    }

    /// `CLOISTER_` and the name in upper snake case.
    package static func environmentName(_ name: String) -> String {
        var result = "CLOISTER_"
        for character in name {
            if character == "." {
                result += "_"
            } else {
                if character.isUppercase { result += "_" }
                result += character.uppercased()
            }
        }
        return result
    }

    private mutating func read(_ node: Node, prefix: String) throws(ConfigurationError) {
        guard case .mapping(let mapping) = node else {
            throw ConfigurationError("\(prefix.isEmpty ? "the configuration" : prefix) must be a mapping")
        }
        for (key, value) in mapping {
            guard let key = key.string else { throw ConfigurationError("a key under \(prefix) is not a string") }
            let name = prefix.isEmpty ? key : prefix + "." + key
            guard values[name] == nil else { throw ConfigurationError("\(name) is set twice") }
            switch value {
            case .scalar(let scalar): values[name] = .scalar(scalar.string)
            case .mapping: try read(value, prefix: name)
            case .sequence(let sequence): values[name] = try Configuration.list(sequence, name)
            case .alias: throw ConfigurationError("\(name): YAML aliases are not supported")
            }
        }
    }

    private static func list(_ sequence: Node.Sequence, _ name: String) throws(ConfigurationError) -> Value {
        let strings = sequence.compactMap { $0.scalar?.string }
        if strings.count == sequence.count { return .strings(strings) }
        var items: [[String: String]] = []
        for node in sequence {
            guard case .mapping(let mapping) = node else {
                throw ConfigurationError("\(name) must be a list of strings or of mappings")
            }
            var item: [String: String] = [:]
            for (key, value) in mapping {
                guard let key = key.string, let value = value.scalar?.string else {
                    throw ConfigurationError("\(name): members must be single values")
                }
                item[key] = value
            }
            items.append(item)
        }
        return .list(items)
    }

    // MARK: Reading

    package mutating func optionalString(_ name: String) throws(ConfigurationError) -> String? {
        asked.insert(name)
        if !flags.contains(name), let value = environment[Configuration.environmentName(name)] {
            used[name] = value
            return value
        }
        switch values[name] {
        case nil: return nil
        case .scalar(let value):
            used[name] = value
            return value
        case .list, .strings: throw ConfigurationError("\(name) must be one value")
        }
    }

    package mutating func string(_ name: String, default standard: String? = nil) throws(ConfigurationError) -> String {
        guard let value = try optionalString(name) ?? standard else { throw ConfigurationError("\(name) is missing") }
        used[name] = value
        return value
    }

    package mutating func integer(_ name: String, default standard: Int? = nil) throws(ConfigurationError) -> Int {
        guard let value = try Int(string(name, default: standard.map(String.init))) else {
            throw ConfigurationError("\(name) must be a whole number")
        }
        return value
    }

    /// Whether the file has the key.
    package func has(_ name: String) -> Bool { values[name] != nil }

    package mutating func strings(_ name: String) throws(ConfigurationError) -> [String] {
        asked.insert(name)
        switch values[name] {
        case nil: return []
        case .strings(let values):
            used[name] = values.joined(separator: ", ")
            return values
        case .scalar(let value): return value.isEmpty ? [] : value.split(separator: ",").map(String.init)
        case .list: throw ConfigurationError("\(name) must be a list of strings")
        }
    }

    /// A list of mappings with single values, for example the models of `diagnostics`.
    package mutating func items(_ name: String) throws(ConfigurationError) -> [[String: String]] {
        asked.insert(name)
        switch values[name] {
        case nil: return []
        case .list(let items):
            used[name] = "\(items.count) items"
            return items
        case .strings(let values) where values.isEmpty: return []
        case .scalar, .strings: throw ConfigurationError("\(name) must be a list of mappings")
        }
    }

    package mutating func optionalPath(_ name: String) throws(ConfigurationError) -> String? {
        guard let path = try optionalString(name) else { return nil }
        return resolve(path)
    }

    /// A path, made absolute against the configuration file's folder.
    package mutating func path(_ name: String) throws(ConfigurationError) -> String {
        resolve(try string(name))
    }

    /// Makes a path that stands in the file relative to the file's folder.
    package func resolve(_ path: String) -> String {
        path.hasPrefix("/") ? path : folder + "/" + path
    }

    /// Refuses keys that nobody asked for. Call it after the last read.
    package func finish() throws(ConfigurationError) {
        let unknown = values.keys.filter { !asked.contains($0) }.sorted()
        guard unknown.isEmpty else {
            throw ConfigurationError("unknown key\(unknown.count > 1 ? "s" : "") \(unknown.joined(separator: ", "))")
        }
    }

    /// What was read, a line each, for `--print-config`. Secrets are files, so there is nothing to hide.
    package var printed: String {
        used.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: "\n")
    }
}
