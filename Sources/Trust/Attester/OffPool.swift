package import Dispatch
package import Encoding

/// A thread for work that blocks on a device, a file or a socket, so that it never holds one of the few cooperative
/// threads on which every other task of the process waits.
///
/// A serial queue gets a thread at once; concurrent queues share as many as the machine has cores.
package func blockingThread(_ label: String) -> DispatchQueue { DispatchQueue(label: label) }

/// Runs `body` on a thread that may block, and waits for it.
package func offPool<Value: Sendable>(
    _ body: @escaping @Sendable () throws(Refusal) -> Value
) async throws(Refusal) -> Value {
    let result: Result<Value, Refusal> = await withCheckedContinuation { continuation in
        blockingThread("cloister.attester").async {
            do throws(Refusal) {
                continuation.resume(returning: .success(try body()))
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }
    return try result.get()
}
