#if canImport(Glibc)
    import Glibc
#endif

/// Bytes that are wiped when the last owner lets go, and that print as nothing.
///
/// A class, so that copies of a value that holds a secret share one buffer instead of spreading it.
@safe public final class Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    // Immutable after init; only read through `withBytes` until deinit.
    private nonisolated(unsafe) let buffer: UnsafeMutableRawBufferPointer

    /// Copies `bytes`; the caller's own copy is the caller's to forget.
    public init(_ bytes: some Collection<UInt8>) {
        unsafe buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
        unsafe buffer.copyBytes(from: bytes)
    }

    deinit {
        if let base = unsafe buffer.baseAddress { unsafe explicit_bzero(base, buffer.count) }
        unsafe buffer.deallocate()
    }

    public var count: Int { unsafe buffer.count }

    /// Lends a copy of the bytes for the time of `body`.
    public func withBytes<Result, Failure: Error>(_ body: ([UInt8]) throws(Failure) -> Result) throws(Failure) -> Result
    {
        var copy = unsafe [UInt8](buffer)
        defer {
            unsafe copy.withUnsafeMutableBytes { copied in
                if let base = copied.baseAddress { unsafe explicit_bzero(base, copied.count) }
            }
        }
        return try body(copy)
    }

    public var description: String { "‹secret›" }
    public var debugDescription: String { "‹secret›" }
}
