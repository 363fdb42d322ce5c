/// A version of the key API that a request names (key API reference, section 2).
package struct APIVersion: Hashable, Sendable {
    package let text: String

    private static let known: [String] = [
        "2016-10-01", "7.0", "7.1", "7.2", "7.3-preview", "7.3", "7.4", "7.5", "7.6", "2025-07-01",
    ]
    /// Versions before secure key release.
    private static let beforeRelease: Set<String> = ["2016-10-01", "7.0", "7.1", "7.2"]

    /// Nil for a version that does not exist.
    package init?(_ text: String) {
        guard APIVersion.known.contains(text) else { return nil }
        self.text = text
    }

    /// Whether keys can be exportable in this version.
    package var hasRelease: Bool { !APIVersion.beforeRelease.contains(text) }
}
