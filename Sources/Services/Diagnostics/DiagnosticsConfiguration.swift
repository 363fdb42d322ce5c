package import ServiceKit
package import Unit

/// Where the things of a diagnostics unit are; what it trusts is in the provider's policy.
package struct DiagnosticsConfiguration: Sendable {
    /// One model at rest.
    package struct Model: Sendable, Hashable {
        package var name: String
        package var version: String
        /// Sealed file (formats section 12).
        package var file: String
        /// Name of its key at the provider's key service.
        package var key: String
    }

    package var listen: Listen
    package var unit: UnitConfiguration
    package var models: [Model]
    /// The pinned ONNX Runtime library; its digest is part of this executable.
    package var onnxRuntime: String

    package init(_ configuration: inout Configuration) throws(ConfigurationError) {
        listen = try Listen(&configuration)
        unit = try UnitConfiguration(&configuration, role: "diagnostics")
        onnxRuntime = try configuration.path("onnxRuntime")
        models = []
        for item in try configuration.items("models") {
            guard Set(item.keys) == ["name", "version", "file", "key"], let name = item["name"],
                let version = item["version"], let file = item["file"], let key = item["key"]
            else { throw ConfigurationError("each of models has name, version, file and key, and nothing else") }
            models.append(Model(name: name, version: version, file: configuration.resolve(file), key: key))
        }
        guard !models.isEmpty else { throw ConfigurationError("models names no model") }
        try configuration.finish()
    }
}
