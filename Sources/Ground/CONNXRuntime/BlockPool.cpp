// C++, because ONNX Runtime expects an allocator that has no memory left to throw: NULL ends the process.
#include "CONNXRuntime.h"

#include <array>
#include <cstdlib>
#include <mutex>
#include <new>
#include <string.h>

namespace {

// Of a block's start and of its size, in bytes.
constexpr size_t alignment = 64;

// Stands before a block's bytes.
struct alignas(alignment) Block {
    Block *next;
    size_t size;
    // Whether anybody had it since it was last filled with zeros.
    bool is_used;

    void *bytes() { return this + 1; }
};

// Free blocks, by the binary logarithm of their sizes.
using Lists = std::array<Block *, 64>;

Block *&list(Lists &lists, size_t size) { return lists[63 - __builtin_clzll(size)]; }

struct Pool : cl_ort_allocator {
    const void *information;
    std::mutex mutex;
    Lists lists{};

    // A block of exactly this size, or NULL. A model asks for the same few sizes with every run of one shape.
    Block *take(size_t size) {
        std::lock_guard lock(mutex);
        for (Block **at = &list(lists, size); *at; at = &(*at)->next)
            if (Block *block = *at; block->size == size) {
                *at = block->next;
                return block;
            }
        return nullptr;
    }

    void put(Block *block) {
        std::lock_guard lock(mutex);
        Block *&first = list(lists, block->size);
        block->next = first;
        first = block;
    }

    Lists take_all() {
        std::lock_guard lock(mutex);
        Lists all = lists;
        lists = {};
        return all;
    }
};

void *allocate(cl_ort_allocator *allocator, size_t size) {
    if (size > SIZE_MAX / 2) throw std::bad_alloc();
    size = size ? (size + alignment - 1) / alignment * alignment : alignment;
    Block *block = static_cast<Pool *>(allocator)->take(size);
    if (!block) {
        void *memory = std::aligned_alloc(alignment, sizeof(Block) + size);
        if (!memory) throw std::bad_alloc();
        block = new (memory) Block{nullptr, size, true};
    }
    block->is_used = true;
    return block->bytes();
}

void release(cl_ort_allocator *allocator, void *bytes) {
    if (bytes) static_cast<Pool *>(allocator)->put(static_cast<Block *>(bytes) - 1);
}

const void *information(const cl_ort_allocator *allocator) { return static_cast<const Pool *>(allocator)->information; }

}  // namespace

cl_ort_allocator *cl_ort_pool_create(const void *memory_info) {
    auto *pool = new (std::nothrow) Pool;
    if (!pool) return nullptr;
    pool->version = 16;
    pool->allocate = allocate;
    pool->release = release;
    pool->information = memory_info;
    pool->memory_info = information;
    return pool;
}

void cl_ort_pool_wipe(cl_ort_allocator *allocator) {
    auto *pool = static_cast<Pool *>(allocator);
    // Others allocate meanwhile; they get new blocks.
    for (Block *block : pool->take_all())
        while (block) {
            Block *next = block->next;
            if (block->is_used) {
                explicit_bzero(block->bytes(), block->size);
                block->is_used = false;
                pool->put(block);
            } else {
                std::free(block);
            }
            block = next;
        }
}
