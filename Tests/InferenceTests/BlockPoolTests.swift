import CONNXRuntime
import Dispatch
import Foundation
import Testing

/// The memory of models and of what they compute.
@Suite struct BlockPoolTests {
    @Test func `a block that is used again holds nothing of its former user`() throws {
        let pool = try #require(cl_ort_pool_create(nil))
        for size in [0, 1, 64, 1_000, 1 << 20] {
            let block = try #require(pool.pointee.allocate(pool, size))
            #expect(UInt(bitPattern: block) % 64 == 0)
            memset(block, 0xA5, max(1, size))
            pool.pointee.release(pool, block)
            cl_ort_pool_wipe(pool)
            let again = try #require(pool.pointee.allocate(pool, size))
            #expect(again == block)
            #expect(UnsafeRawBufferPointer(start: again, count: size).allSatisfy { $0 == 0 })
        }
    }

    @Test func `threads that allocate, release and wipe at once do not share a block`() throws {
        // A pool is never freed, and safe to share; the compiler cannot know.
        nonisolated(unsafe) let pool = try #require(cl_ort_pool_create(nil))
        nonisolated(unsafe) let faults = UnsafeMutablePointer<Int>.allocate(capacity: 4)
        faults.initialize(repeating: 0, count: 4)
        defer { faults.deallocate() }
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for turn in 0..<2_000 {
                let size = 64 << (turn % 5)
                guard let block = pool.pointee.allocate(pool, size) else {
                    faults[thread] += 1
                    continue
                }
                memset(block, Int32(thread + 1), size)
                if turn % 50 == 0 { cl_ort_pool_wipe(pool) }
                let isOurs = UnsafeRawBufferPointer(start: block, count: size).allSatisfy { $0 == UInt8(thread + 1) }
                if !isOurs { faults[thread] += 1 }
                pool.pointee.release(pool, block)
            }
        }
        #expect((0..<4).allSatisfy { faults[$0] == 0 })
    }
}
