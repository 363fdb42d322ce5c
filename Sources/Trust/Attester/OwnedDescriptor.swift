#if canImport(Glibc)
    import Glibc
#endif

/// A file descriptor that is closed when its last owner lets go.
package final class OwnedDescriptor: Sendable {
    package let number: Int32

    /// Takes over `number`, which nobody else closes.
    package init(_ number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }
}
