/// One read for all callers that ask while the one before it is going on: each gets what was there after it asked.
package actor SharedRead<Value: Sendable> {
    private let read: @Sendable () async throws -> Value
    private var waiting: [CheckedContinuation<Result<Value, any Error>, Never>] = []
    private var isReading = false

    package init(_ read: @escaping @Sendable () async throws -> Value) { self.read = read }

    /// - Throws: what the read threw.
    package func value() async throws -> Value {
        let result = await withCheckedContinuation { continuation in
            waiting.append(continuation)
            guard !isReading else { return }
            isReading = true
            Task { await self.readAll() }
        }
        return try result.get()
    }

    private func readAll() async {
        while !waiting.isEmpty {
            let callers = waiting
            waiting = []
            let result: Result<Value, any Error>
            do { result = .success(try await read()) } catch { result = .failure(error) }
            for caller in callers { caller.resume(returning: result) }
        }
        isReading = false
    }
}
