import CONNXRuntime
import Dispatch
public import Encoding
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// One model, ready to run.
///
/// Runs block, so they happen on threads of their own: `lanes` runs at a time, each with `intraOpThreads` threads.
@safe public final class ONNXSession: Sendable {
    public struct Options: Sendable, Hashable {
        /// Threads inside one run.
        public var intraOpThreads: Int
        /// Runs at the same time.
        public var lanes: Int
        /// Runs that may wait; beyond them `too-many`.
        public var maximumWaiting: Int
        /// Models beyond this are refused.
        public var maximumModelBytes: Int

        public init(
            intraOpThreads: Int = 1, lanes: Int = 1, maximumWaiting: Int = 64,
            maximumModelBytes: Int = 512 * 1_048_576
        ) {
            self.intraOpThreads = intraOpThreads
            self.lanes = lanes
            self.maximumWaiting = maximumWaiting
            self.maximumModelBytes = maximumModelBytes
        }
    }

    /// SHA-256 of the model's bytes.
    public let digest: Digest
    public let inputs: [TensorDescription]
    public let outputs: [TensorDescription]

    private let runtime: ONNXRuntime
    // Made in `init`, released in `deinit`; ONNX Runtime allows runs from several threads at once.
    private nonisolated(unsafe) let session: UnsafeMutableRawPointer
    private let lanes: [DispatchQueue]
    private let load: Mutex<[Int]>
    private let maximumLoad: Int

    /// - Parameters:
    ///   - model: the ONNX file's bytes; nothing outside them is read.
    ///   - expected: the digest of the model that was approved.
    /// - Throws: `model-digest` for other bytes, `model-invalid` for a model that cannot be used.
    public init(
        model: [UInt8], expected: Digest, runtime: ONNXRuntime, options: Options = Options()
    ) throws(Refusal) {
        let digest = Digest(of: model)
        guard constantTimeEquals(digest.bytes, expected.bytes) else {
            throw Refusal(.modelDigest, "the model's SHA-256 is not the approved one")
        }
        guard model.count <= options.maximumModelBytes else {
            throw Refusal(.modelInvalid, "the model has more than \(options.maximumModelBytes) bytes")
        }
        try ONNXModelCheck.requireSelfContained(model)
        let session = unsafe try ONNXSession.create(model, runtime, options)
        do throws(Refusal) {
            inputs = unsafe try ONNXSession.describe(session, runtime, side: Int32(CL_ORT_INPUT))
            outputs = unsafe try ONNXSession.describe(session, runtime, side: Int32(CL_ORT_OUTPUT))
        } catch {
            unsafe cl_ort_release(runtime.table, Int32(CL_ORT_SESSION), session)
            throw error
        }
        unsafe self.session = session
        self.digest = digest
        self.runtime = runtime
        let laneCount = max(1, options.lanes)
        lanes = (0..<laneCount).map { DispatchQueue(label: "cloister.inference.\($0)") }
        load = Mutex(Array(repeating: 0, count: laneCount))
        maximumLoad = laneCount + max(0, options.maximumWaiting)
    }

    deinit {
        unsafe cl_ort_release(runtime.table, Int32(CL_ORT_SESSION), session)
        // The model's weights.
        unsafe cl_ort_pool_wipe(runtime.pool)
    }

    /// Runs the model.
    ///
    /// - Parameters:
    ///   - inputs: one tensor for every input, by name.
    ///   - names: the outputs that are wanted; others are not computed where the graph allows it.
    ///   - timeLimit: after this the run is ended at the next node.
    /// - Returns: the outputs in the order of `names`.
    /// - Throws: `input-invalid` when inputs do not fit the model or it refuses them; `too-many`; `time-limit`.
    public func run(
        _ inputs: [String: Tensor], outputs names: [String], timeLimit: Duration = .seconds(30)
    ) async throws(Refusal) -> [Tensor] {
        try check(inputs, names)
        let lane = try takeLane()
        let result = await withCheckedContinuation { (done: CheckedContinuation<Result<[Tensor], Refusal>, Never>) in
            lanes[lane].async { [self] in
                let result: Result<[Tensor], Refusal>
                do throws(Refusal) {
                    result = .success(try unsafe RunCall(runtime, inputs, names).run(on: session, timeLimit))
                } catch {
                    result = .failure(error)
                }
                load.withLock { $0[lane] -= 1 }
                done.resume(returning: result)
                // Before the next run on this lane; the answer does not wait for it.
                unsafe cl_ort_pool_wipe(runtime.pool)
            }
        }
        return try result.get()
    }

    private func takeLane() throws(Refusal) -> Int {
        let lane = load.withLock { load -> Int? in
            guard load.reduce(0, +) < maximumLoad, let least = load.indices.min(by: { load[$0] < load[$1] }) else {
                return nil
            }
            load[least] += 1
            return least
        }
        guard let lane else { throw Refusal(.tooMany, "too many runs of the model are waiting") }
        return lane
    }

    private func check(_ given: [String: Tensor], _ names: [String]) throws(Refusal) {
        guard given.count == inputs.count else { throw Refusal(.inputInvalid, "the model needs other inputs") }
        for input in inputs {
            guard let tensor = given[input.name] else { throw Refusal(.inputInvalid, "an input is missing") }
            guard tensor.elements.type == input.type, tensor.shape.count == input.shape.count,
                zip(tensor.shape, input.shape).allSatisfy({ $1 == nil || $0 == $1 }), !tensor.shape.contains(0)
            else { throw Refusal(.inputInvalid, "an input's type or shape is not the model's") }
        }
        let known = Set(outputs.map(\.name))
        guard !names.isEmpty, names.count == Set(names).count, names.allSatisfy(known.contains) else {
            throw Refusal(.inputInvalid, "the model has no such output")
        }
    }
}

// MARK: Making a session

extension ONNXSession {
    private static func create(
        _ model: [UInt8], _ runtime: ONNXRuntime, _ options: Options
    ) throws(Refusal) -> UnsafeMutableRawPointer {
        let table = unsafe runtime.table
        var settings: UnsafeMutableRawPointer?
        try unsafe require(table, cl_ort_create_options(table, &settings))
        defer { unsafe cl_ort_release(table, Int32(CL_ORT_SESSION_OPTIONS), settings) }
        try unsafe require(table, cl_ort_set_log_severity(table, settings, 4))
        try unsafe require(
            table, cl_ort_set_threads(table, settings, Int32(clamping: max(1, options.intraOpThreads)), 1))
        // Waiting threads must not take time from TLS and HTTP work.
        try unsafe require(table, cl_ort_set_entry(table, settings, "session.intra_op.allow_spinning", "0"))
        // Free blocks of the library's arena keep pixels; those of the environment's pool are wiped after each run.
        try unsafe require(table, cl_ort_disable_arena(table, settings))
        try unsafe require(table, cl_ort_set_entry(table, settings, "session.use_env_allocators", "1"))
        var session: UnsafeMutableRawPointer?
        let status = unsafe model.withUnsafeBytes { bytes in
            unsafe cl_ort_create_session(table, runtime.environment, bytes.baseAddress, bytes.count, settings, &session)
        }
        try unsafe require(table, status)
        guard let session = unsafe session else { throw Refusal(.modelInvalid, "the model cannot be loaded") }
        return unsafe session
    }

    private static func describe(
        _ session: UnsafeMutableRawPointer, _ runtime: ONNXRuntime, side: Int32
    ) throws(Refusal) -> [TensorDescription] {
        let table = unsafe runtime.table
        var count = 0
        try unsafe require(table, cl_ort_count(table, session, side, &count))
        guard count <= 64 else { throw Refusal(.modelInvalid, "the model has too many inputs or outputs") }
        var descriptions: [TensorDescription] = []
        for index in 0..<count {
            var name = [CChar](repeating: 0, count: 256)
            try unsafe require(table, cl_ort_name(table, session, side, index, &name, name.count))
            var element: Int32 = 0
            var shape = [Int64](repeating: 0, count: 8)
            var rank = 0
            try unsafe require(
                table, cl_ort_type(table, session, side, index, &element, &shape, shape.count, &rank))
            guard rank <= shape.count else { throw Refusal(.modelInvalid, "a tensor of the model has too many axes") }
            let text = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            descriptions.append(
                TensorDescription(
                    name: text, type: ElementType(rawValue: element),
                    shape: shape.prefix(rank).map { $0 < 0 ? nil : Int($0) }))
        }
        return descriptions
    }

    private static func require(_ table: cl_ort_table, _ status: cl_ort_status?) throws(Refusal) {
        // ONNX Runtime's own message may name nodes and values; it is freed unread.
        guard unsafe cl_ort_take_code(table, status) == 0 else {
            throw Refusal(.modelInvalid, "the model cannot be loaded")
        }
    }
}
