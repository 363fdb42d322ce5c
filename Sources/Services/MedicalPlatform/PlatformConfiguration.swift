package import ServiceKit
package import Unit

/// Where the things of a medical platform are; what it trusts is in the policies.
package struct PlatformConfiguration: Sendable {
    package var listen: Listen
    package var unit: UnitConfiguration
    /// Folder of the hospitals' policies; a tenant's id is the digest of the key in its policy.
    package var tenants: String
    /// Folder of the database and the audit log.
    package var state: String
    /// Base URL of the diagnostics unit.
    package var diagnostics: String
    /// Name of the record key at a tenant's key service.
    package var recordKey: String
    /// Model to ask for, and its version.
    package var model: String
    package var modelVersion: String

    package init(_ configuration: inout Configuration) throws(ConfigurationError) {
        listen = try Listen(&configuration)
        unit = try UnitConfiguration(&configuration, role: "medical-platform")
        tenants = try configuration.path("tenants")
        state = try configuration.path("state")
        diagnostics = try configuration.string("diagnostics")
        recordKey = try configuration.string("recordKey", default: "records")
        model = try configuration.string("model", default: "brain-delineation")
        modelVersion = try configuration.string("modelVersion", default: "1")
        if unit.sequences == nil { unit.sequences = state + "/sequences.json" }
        try configuration.finish()
    }
}
