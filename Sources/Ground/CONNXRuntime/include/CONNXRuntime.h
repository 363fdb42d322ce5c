// The part of ONNX Runtime's C API that Cloister uses, called by slot number of its flat function table.
//
// Written from the public description of the API; no header of ONNX Runtime is used. Slot numbers are the same in
// API versions 14 to 29. Every handle is opaque; every function that returns `cl_ort_status` returns NULL for success.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef const void *const *cl_ort_table;
typedef void *cl_ort_status;
struct cl_ort_allocator;

/// Copies a file into a sealed anonymous file (it can be neither written nor resized any more).
/// Returns its descriptor, or -1: the file cannot be read, is empty, or has more than `maximum` bytes.
int cl_sealed_copy(const char *path, uint64_t maximum, uint64_t *size);

/// Opens the library behind a descriptor and returns its handle, or NULL. Local symbols, resolved at once.
void *cl_open_library(int descriptor);

/// The function table of `version` from an opened library, or NULL when it is not offered.
cl_ort_table cl_ort_api(void *library, uint32_t version);

/// The library's own version, valid as long as it is open; NULL when it has none.
const char *cl_ort_version(void *library);

/// Frees a status and returns its error code (0 for NULL).
int cl_ort_take_code(cl_ort_table table, cl_ort_status status);

cl_ort_status cl_ort_create_env(cl_ort_table table, int severity, const char *name, void **env);
/// Sessions of the environment with the entry `session.use_env_allocators` take their memory there. It must outlive them.
cl_ort_status cl_ort_register_allocator(cl_ort_table table, void *env, struct cl_ort_allocator *allocator);
cl_ort_status cl_ort_create_options(cl_ort_table table, void **options);
/// Turns off the library's own arena and its plan of all blocks of a run.
cl_ort_status cl_ort_disable_arena(cl_ort_table table, void *options);
cl_ort_status cl_ort_set_log_severity(cl_ort_table table, void *options, int severity);
cl_ort_status cl_ort_set_threads(cl_ort_table table, void *options, int intra, int inter);
cl_ort_status cl_ort_set_entry(cl_ort_table table, void *options, const char *key, const char *value);
cl_ort_status cl_ort_create_session(
    cl_ort_table table, void *env, const void *model, size_t length, void *options, void **session);

/// Which side of a session a name or a type is asked for.
enum { CL_ORT_INPUT = 0, CL_ORT_OUTPUT = 1 };

cl_ort_status cl_ort_count(cl_ort_table table, void *session, int side, size_t *count);
/// Copies the name into `name`; cut, and always ended by NUL. `capacity` is at least 1.
cl_ort_status cl_ort_name(cl_ort_table table, void *session, int side, size_t index, char *name, size_t capacity);
/// Element type 0 when it is not a tensor. At most `capacity` dimensions are written; -1 for a free one.
cl_ort_status cl_ort_type(
    cl_ort_table table, void *session, int side, size_t index, int *element, int64_t *shape, size_t capacity,
    size_t *rank);

cl_ort_status cl_ort_create_run_options(cl_ort_table table, void **options);
cl_ort_status cl_ort_terminate(cl_ort_table table, void *options);
cl_ort_status cl_ort_create_memory_info(cl_ort_table table, void **info);
/// A tensor over the caller's bytes, which must live until it is released.
cl_ort_status cl_ort_create_tensor(
    cl_ort_table table, void *info, void *bytes, size_t length, const int64_t *shape, size_t rank, int element,
    void **value);
cl_ort_status cl_ort_run(
    cl_ort_table table, void *session, void *options, const char *const *input_names, const void *const *inputs,
    size_t input_count, const char *const *output_names, size_t output_count, void **outputs);
/// Element type, shape and number of elements of a value.
cl_ort_status cl_ort_value_type(
    cl_ort_table table, void *value, int *element, int64_t *shape, size_t capacity, size_t *rank, size_t *count);
cl_ort_status cl_ort_data(cl_ort_table table, void *value, void **data);

/// What a handle is; each kind has its own release function.
enum {
    CL_ORT_ENV = 92, CL_ORT_SESSION = 95, CL_ORT_VALUE = 96, CL_ORT_RUN_OPTIONS = 97,
    CL_ORT_SESSION_OPTIONS = 100
};

/// Releases a handle of a kind; NULL is allowed.
void cl_ort_release(cl_ort_table table, int kind, void *handle);

/// What ONNX Runtime takes as an allocator, in the form of version 16.
typedef struct cl_ort_allocator {
    uint32_t version;
    /// Aligned to 64 bytes; throws where there is no memory.
    void *(*allocate)(struct cl_ort_allocator *allocator, size_t size);
    void (*release)(struct cl_ort_allocator *allocator, void *bytes);
    const void *(*memory_info)(const struct cl_ort_allocator *allocator);
} cl_ort_allocator;

/// Keeps blocks that were released for the next run, which then meets no page fault: as fast as the library's own arena,
/// but what runs left in free blocks can be wiped. Threads may share it. Lives as long as the process; NULL without memory.
cl_ort_allocator *cl_ort_pool_create(const void *memory_info);

/// Fills every free block with zeros, and gives those back to the system that nobody used since the last time.
void cl_ort_pool_wipe(cl_ort_allocator *pool);

#ifdef __cplusplus
}
#endif
