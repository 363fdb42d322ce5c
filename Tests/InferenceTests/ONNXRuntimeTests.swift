import Encoding
import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite struct `The ONNX Runtime library` {
    private func refusal(_ path: String) -> RefusalCode? {
        do throws(Refusal) {
            try ONNXRuntime.check(library: path)
            return nil
        } catch {
            return error.code
        }
    }

    @Test(.enabled(if: Fixtures.hasLibrary, "needs the ONNX Runtime library of the set-up"))
    func `is the pinned one, and one changed byte is refused`() throws {
        let path = try #require(ProjectFolders.onnxRuntime?.path)
        #expect(refusal(path) == nil)
        let folder = try TemporaryFolder()
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count / 2] ^= 1
        let changed = folder.url.appending(path: "changed.so")
        try bytes.write(to: changed)
        #expect(refusal(changed.path) == .supplyChain)
        try bytes.prefix(1_000).write(to: changed)
        #expect(refusal(changed.path) == .supplyChain)
    }

    @Test func `that is no library is refused`() throws {
        let folder = try TemporaryFolder()
        #expect(refusal(folder.url.path) == .notReady)
        #expect(refusal(folder.url.appending(path: "absent").path) == .notReady)
        let empty = folder.url.appending(path: "empty")
        try Data().write(to: empty)
        #expect(refusal(empty.path) == .notReady)
        let other = folder.url.appending(path: "other")
        try Data("not a library".utf8).write(to: other)
        #expect(refusal(other.path) == .supplyChain)
        #expect(refusal("/dev/zero") == .notReady)
    }

    @Test(.enabled(if: Fixtures.hasLibrary, "needs the ONNX Runtime library of the set-up"))
    func `is loaded once`() throws {
        #expect(try Fixtures.runtime() === Fixtures.runtime())
    }
}

@Suite(.enabled(if: Fixtures.hasLibrary, "needs the ONNX Runtime library of the set-up"))
struct `A session` {
    private func refusal(_ model: [UInt8], expected: [UInt8]? = nil) throws -> RefusalCode? {
        let runtime = try Fixtures.runtime()
        do throws(Refusal) {
            _ = try ONNXSession(model: model, expected: Digest(of: expected ?? model), runtime: runtime)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("AC-125 other model bytes are refused") func digest() throws {
        let model = try Fixtures.model("brain-delineation.onnx")
        #expect(try refusal(model) == nil)
        var changed = model
        changed[changed.count / 2] ^= 1
        #expect(try refusal(changed, expected: model) == .modelDigest)
        #expect(try refusal(Array(model.dropLast()), expected: model) == .modelDigest)
    }

    @Test("AC-126 malformed models are refused") func malformed() throws {
        let model = try Fixtures.model("brain-delineation.onnx")
        for bytes in [[], [0], Array("hello".utf8), [UInt8](repeating: 0xFF, count: 100), Array(model.prefix(1_000))] {
            #expect(try refusal(bytes) == .modelInvalid)
        }
        // A model of another kind of operator that nobody has.
        let unknown = ONNXBuilder.model(
            ONNXBuilder.graph(
                "unknown", nodes: [ONNXBuilder.node("NoSuchOperator", ["in"], ["out"])],
                inputs: [ONNXBuilder.value("in", type: 1, [-1])], outputs: [ONNXBuilder.value("out", type: 1, [-1])]))
        #expect(try refusal(unknown) == .modelInvalid)
    }

    @Test func `runs a small model and says what it takes`() async throws {
        let session = try Fixtures.session(ONNXBuilder.identity)
        #expect(session.inputs == [TensorDescription(name: "in", type: .float32, shape: [nil])])
        #expect(session.outputs == [TensorDescription(name: "out", type: .float32, shape: [nil])])
        let tensor = try Tensor(shape: [3], .float32([1, -2, 3.5]))
        #expect(try await session.run(["in": tensor], outputs: ["out"]) == [tensor])
    }

    @Test("AC-127 hostile tensors are refused") func hostileTensors() async throws {
        let session = try Fixtures.session(ONNXBuilder.identity)
        let good = try Tensor(shape: [1], .float32([1]))
        let wrong: [([String: Tensor], [String])] = [
            ([:], ["out"]), (["other": good], ["out"]), (["in": good, "more": good], ["out"]), (["in": good], []),
            (["in": good], ["other"]), (["in": good], ["out", "out"]),
            (["in": try Tensor(shape: [1], .int64([1]))], ["out"]),
            (["in": try Tensor(shape: [1, 1], .float32([1]))], ["out"]),
            (["in": try Tensor(shape: [0], .float32([]))], ["out"]),
        ]
        for (inputs, outputs) in wrong {
            let refusal = await #expect(throws: Refusal.self) { try await session.run(inputs, outputs: outputs) }
            #expect(refusal?.code == .inputInvalid)
        }
        for shape in [[2], [-1], [Int.max, Int.max], [1 << 27], [1, 1, 1, 1, 1, 1, 1, 1, 1]] {
            #expect(throws: Refusal.self) { try Tensor(shape: shape, .float32([1])) }
        }
        #expect(throws: Refusal.self) { try Tensor(shape: [1], .float32([.nan])) }
        #expect(throws: Refusal.self) { try Tensor(shape: [1], .float32([.infinity])) }
    }

    @Test("AC-126 a model that would never end is ended by the time limit, and the next run works") func endless()
        async throws
    {
        let session = try Fixtures.session(ONNXBuilder.endless)
        let tensor = try Tensor(shape: [1], .float32([0]))
        for _ in 0..<2 {
            let refusal = await #expect(throws: Refusal.self) {
                try await session.run(["in": tensor], outputs: ["out"], timeLimit: .milliseconds(200))
            }
            #expect(refusal?.code == .timeLimit)
        }
    }

    @Test("AC-126 a model that asks for terabytes is refused") func bomb() async throws {
        let session = try Fixtures.session(ONNXBuilder.bomb)
        let tensor = try Tensor(shape: [1], .int64([1 << 40]))
        let refusal = await #expect(throws: Refusal.self) { try await session.run(["in": tensor], outputs: ["out"]) }
        #expect(refusal?.code == .inputInvalid)
    }

    @Test func `refuses runs beyond those that may wait`() async throws {
        let session = try Fixtures.session(ONNXBuilder.endless, .init(lanes: 1, maximumWaiting: 1))
        let tensor = try Tensor(shape: [1], .float32([0]))
        let codes = await withTaskGroup(of: RefusalCode?.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    do throws(Refusal) {
                        _ = try await session.run(["in": tensor], outputs: ["out"], timeLimit: .milliseconds(300))
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            return await group.reduce(into: [RefusalCode?]()) { $0.append($1) }
        }
        #expect(codes.count { $0 == .timeLimit } >= 2)
        #expect(codes.contains(.tooMany))
    }
}

@Suite struct `The check of a model's bytes` {
    private func code(_ model: [UInt8]) -> RefusalCode? {
        do throws(Refusal) {
            try ONNXModelCheck.requireSelfContained(model)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `lets the project's models pass`() throws {
        for name in ["brain-delineation.onnx", "brain-delineation-int8.onnx"] {
            #expect(try code(Fixtures.model(name)) == nil)
        }
        #expect(code(ONNXBuilder.identity) == nil)
        #expect(code(ONNXBuilder.endless) == nil)
    }

    @Test("AC-126 weights outside the file are refused wherever they stand") func external() {
        typealias Build = ONNXBuilder
        let tensor = Build.externalTensor
        let inGraph = Build.bytes(5, tensor)
        let attribute = Build.bytes(5, Build.text(1, "value") + Build.bytes(5, tensor))
        let inNode = Build.bytes(1, Build.text(4, "Constant") + attribute)
        let inSubgraph = Build.bytes(1, Build.bytes(5, Build.bytes(6, inNode)))
        let inList = Build.bytes(1, Build.bytes(5, Build.bytes(10, tensor)))
        let inGraphs = Build.bytes(1, Build.bytes(5, Build.bytes(11, inGraph)))
        let inSparse = Build.bytes(15, Build.bytes(1, tensor))
        let inSparseIndices = Build.bytes(15, Build.bytes(2, tensor))
        let inSparseAttribute = Build.bytes(1, Build.bytes(5, Build.bytes(22, Build.bytes(1, tensor))))
        for graph in [inGraph, inNode, inSubgraph, inList, inGraphs, inSparse, inSparseIndices, inSparseAttribute] {
            #expect(code(Build.bytes(7, graph)) == .modelInvalid)
            #expect(code(Build.bytes(7, []) + Build.bytes(20, Build.bytes(1, graph))) == .modelInvalid)
        }
        #expect(
            code(Build.bytes(7, []) + Build.bytes(25, Build.bytes(7, Build.bytes(5, Build.bytes(5, tensor)))))
                == .modelInvalid)
        #expect(code(Build.bytes(7, []) + Build.bytes(25, Build.bytes(11, Build.bytes(5, tensor)))) == .modelInvalid)
        // The location alone, and the file name alone.
        #expect(code(Build.bytes(7, Build.bytes(5, Build.number(14, 1)))) == .modelInvalid)
        #expect(code(Build.bytes(7, Build.bytes(5, Build.bytes(13, [])))) == .modelInvalid)
        #expect(code(Build.bytes(7, Build.bytes(5, Build.number(14, 0)))) == nil)
    }

    @Test("AC-126 deep and damaged files are refused in bounded work") func damaged() {
        typealias Build = ONNXBuilder
        var graph: [UInt8] = []
        for _ in 0..<200 { graph = Build.bytes(1, Build.bytes(5, Build.bytes(6, graph))) }
        #expect(code(Build.bytes(7, graph)) == .modelInvalid)
        let whole = ONNXBuilder.endless
        for count in 0..<whole.count where code(Array(whole[..<count])) == nil {
            // Cut at the end of a field, before the graph's end: only a whole graph passes.
            #expect(count == whole.count)
        }
        #expect(code([0x3A] + [UInt8](repeating: 0xFF, count: 11)) == .modelInvalid)
        #expect(code([0x3B]) == .modelInvalid)
        #expect(code([0x00, 0x00]) == .modelInvalid)
    }
}
