import CONNXRuntime
import Dispatch
public import Encoding
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// One call of `Run`: owns the values that it hands to ONNX Runtime and releases them.
@safe struct RunCall {
    private let runtime: ONNXRuntime
    private let inputs: [(name: String, tensor: Tensor)]
    private let names: [String]

    init(_ runtime: ONNXRuntime, _ inputs: [String: Tensor], _ names: [String]) {
        self.runtime = runtime
        self.inputs = inputs.map { ($0.key, $0.value) }
        self.names = names
    }

    func run(on session: UnsafeMutableRawPointer, _ timeLimit: Duration) throws(Refusal) -> [Tensor] {
        let table = unsafe runtime.table
        let limit = try RunLimit(runtime, timeLimit)
        defer { limit.end() }

        // Inputs are copied into buffers that live until the values over them are released; they are zeroed then,
        // since they hold pixels.
        var buffers: [UnsafeMutableRawBufferPointer] = unsafe []
        var values: [UnsafeMutableRawPointer?] = unsafe []
        defer {
            unsafe values.forEach { unsafe cl_ort_release(table, Int32(CL_ORT_VALUE), $0) }
            unsafe buffers.forEach { buffer in
                if let start = buffer.baseAddress { unsafe explicit_bzero(start, buffer.count) }
                unsafe buffer.deallocate()
            }
        }
        for input in inputs {
            let buffer = unsafe RunCall.copy(input.tensor.elements)
            unsafe buffers.append(buffer)
            let shape = input.tensor.shape.map(Int64.init)
            var value: UnsafeMutableRawPointer?
            try unsafe require(
                cl_ort_create_tensor(
                    table, runtime.memory, buffer.baseAddress, buffer.count, shape, shape.count,
                    input.tensor.elements.type.rawValue, &value))
            unsafe values.append(value)
        }
        var outputs = unsafe [UnsafeMutableRawPointer?](repeating: nil, count: names.count)
        defer {
            unsafe outputs.forEach { unsafe cl_ort_release(table, Int32(CL_ORT_VALUE), $0) }
        }
        let code = unsafe RunCall.withCStrings(inputs.map(\.name)) { inputNames in
            unsafe RunCall.withCStrings(names) { outputNames in
                let given = unsafe values.map { UnsafeRawPointer($0) }
                return unsafe cl_ort_take_code(
                    table,
                    cl_ort_run(
                        table, session, limit.options, inputNames, given, given.count, outputNames, names.count,
                        &outputs))
            }
        }
        if limit.hasPassed { throw Refusal(.timeLimit, "the model did not answer within its time limit") }
        guard code == 0 else { throw Refusal(.inputInvalid, "the model refused its input") }
        return try unsafe outputs.map { (output) throws(Refusal) in try unsafe read(output) }
    }

    /// Copies an output; its memory is the library's and ends with the value.
    private func read(_ value: UnsafeMutableRawPointer?) throws(Refusal) -> Tensor {
        let table = unsafe runtime.table
        var element: Int32 = 0
        var shape = [Int64](repeating: 0, count: 8)
        var rank = 0
        var count = 0
        try unsafe require(
            cl_ort_value_type(table, value, &element, &shape, shape.count, &rank, &count))
        guard rank <= shape.count, count <= Tensor.maximumElements, let type = ElementType(rawValue: element) else {
            throw Refusal(.outputShape, "the model's answer has a type or shape that is not allowed")
        }
        var data: UnsafeMutableRawPointer?
        try unsafe require(cl_ort_data(table, value, &data))
        guard let data = unsafe data else { throw Refusal(.outputShape, "the model's answer is empty") }
        let elements: Tensor.Elements =
            switch type {
            case .float32:
                .float32(
                    unsafe Array(UnsafeBufferPointer(start: data.assumingMemoryBound(to: Float.self), count: count)))
            case .uint8:
                .uint8(unsafe Array(UnsafeBufferPointer(start: data.assumingMemoryBound(to: UInt8.self), count: count)))
            case .int64:
                .int64(unsafe Array(UnsafeBufferPointer(start: data.assumingMemoryBound(to: Int64.self), count: count)))
            }
        return Tensor(unchecked: shape.prefix(rank).map { Int($0) }, elements)
    }

    private func require(_ status: cl_ort_status?) throws(Refusal) {
        guard unsafe cl_ort_take_code(runtime.table, status) == 0 else {
            throw Refusal(.inputInvalid, "the model refused its input")
        }
    }

    private static func copy(_ elements: Tensor.Elements) -> UnsafeMutableRawBufferPointer {
        func copy<Element>(_ values: [Element]) -> UnsafeMutableRawBufferPointer {
            unsafe values.withUnsafeBytes { bytes in
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 64)
                unsafe buffer.copyMemory(from: bytes)
                return unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<bytes.count])
            }
        }
        return switch elements {
        case .float32(let values): unsafe copy(values)
        case .uint8(let values): unsafe copy(values)
        case .int64(let values): unsafe copy(values)
        }
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafePointer<CChar>?]) -> Result
    ) -> Result {
        // One buffer for all of them, with a pointer to each start.
        var bytes: [CChar] = []
        var starts: [Int] = []
        for string in strings {
            starts.append(bytes.count)
            bytes += string.utf8CString
        }
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe body(starts.map { start in unsafe buffer.baseAddress.map { unsafe $0 + start } })
        }
    }
}

/// The run options of one call, and the timer that ends it.
@safe private final class RunLimit: Sendable {
    private struct State {
        var hasEnded = false
        var hasPassed = false
    }

    // Made in `init`, released by the last owner: the caller or the timer.
    nonisolated(unsafe) let options: UnsafeMutableRawPointer
    private let runtime: ONNXRuntime
    private let state = Mutex(State())

    init(_ runtime: ONNXRuntime, _ timeLimit: Duration) throws(Refusal) {
        var made: UnsafeMutableRawPointer?
        let code = unsafe cl_ort_take_code(runtime.table, cl_ort_create_run_options(runtime.table, &made))
        guard code == 0, let made = unsafe made else { throw Refusal(.notReady, "ONNX Runtime could not start a run") }
        unsafe options = made
        self.runtime = runtime
        let milliseconds =
            timeLimit.components.seconds * 1_000 + timeLimit.components.attoseconds / 1_000_000_000_000_000
        let deadline = DispatchTime.now() + .milliseconds(Int(clamping: max(1, min(milliseconds, 3_600_000))))
        DispatchQueue.global(qos: .userInitiated).asyncAfter(deadline: deadline) { [weak self] in self?.pass() }
    }

    deinit {
        unsafe cl_ort_release(runtime.table, Int32(CL_ORT_RUN_OPTIONS), options)
    }

    var hasPassed: Bool { state.withLock { $0.hasPassed } }

    func end() {
        state.withLock { $0.hasEnded = true }
    }

    private func pass() {
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.hasPassed = true
            _ = unsafe cl_ort_take_code(runtime.table, cl_ort_terminate(runtime.table, options))
        }
    }
}

extension RefusalCode {
    /// A computation took longer than it may.
    public static let timeLimit = RefusalCode("time-limit", status: 503)
}
