import Dispatch
package import Encoding

/// Threads for calls that block on a device, a file or a socket, so that they never hold one of the few cooperative
/// threads on which every other task of the process waits.
private let blockingCalls = DispatchQueue(label: "cloister.attester", attributes: .concurrent)

/// Runs `body` on a thread that may block, and waits for it.
package func offPool<Value: Sendable>(
    _ body: @escaping @Sendable () throws(Refusal) -> Value
) async throws(Refusal) -> Value {
    let result: Result<Value, Refusal> = await withCheckedContinuation { continuation in
        blockingCalls.async {
            do throws(Refusal) {
                continuation.resume(returning: .success(try body()))
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }
    return try result.get()
}
