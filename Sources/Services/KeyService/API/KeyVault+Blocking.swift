import Dispatch
import Encoding

extension KeyVault {
    /// Work that takes long or waits, on a thread that may.
    func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(Refusal) -> Value
    ) async throws(APIError) -> Value {
        let result: Result<Value, Refusal> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                do throws(Refusal) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        do throws(Refusal) { return try result.get() } catch { throw APIError(error) }
    }
}
