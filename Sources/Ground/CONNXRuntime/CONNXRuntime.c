#define _GNU_SOURCE
#include "CONNXRuntime.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

// MARK: The library

int cl_sealed_copy(const char *path, uint64_t maximum, uint64_t *size) {
    int source = open(path, O_RDONLY | O_CLOEXEC);
    if (source < 0) return -1;
    int copy = -1;
    struct stat information;
    if (fstat(source, &information) != 0 || !S_ISREG(information.st_mode) || information.st_size <= 0
        || (uint64_t)information.st_size > maximum)
        goto fail;
    copy = memfd_create("library", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy < 0) goto fail;
    uint64_t total = 0;
    for (;;) {
        ssize_t moved = sendfile(copy, source, NULL, 1 << 20);
        if (moved < 0 && errno == EINTR) continue;
        if (moved < 0) goto fail;
        if (moved == 0) break;
        total += (uint64_t)moved;
        if (total > maximum) goto fail;
    }
    if (total == 0) goto fail;
    if (fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) goto fail;
    close(source);
    *size = total;
    return copy;
fail:
    if (copy >= 0) close(copy);
    close(source);
    return -1;
}

void *cl_open_library(int descriptor) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

struct api_base {
    cl_ort_table (*get_api)(uint32_t);
    const char *(*get_version)(void);
};

static const struct api_base *base_of(void *library) {
    const struct api_base *(*get_base)(void) = (const struct api_base *(*)(void))dlsym(library, "OrtGetApiBase");
    return get_base ? get_base() : NULL;
}

cl_ort_table cl_ort_api(void *library, uint32_t version) {
    const struct api_base *base = base_of(library);
    return base ? base->get_api(version) : NULL;
}

const char *cl_ort_version(void *library) {
    const struct api_base *base = base_of(library);
    return base ? base->get_version() : NULL;
}

// MARK: Status

int cl_ort_take_code(cl_ort_table table, cl_ort_status status) {
    if (!status) return 0;
    int code = ((int (*)(const void *))table[1])(status);
    ((void (*)(void *))table[93])(status);
    return code;
}

// MARK: Environment, options, session

cl_ort_status cl_ort_create_env(cl_ort_table table, int severity, const char *name, void **env) {
    return ((cl_ort_status (*)(int, const char *, void **))table[3])(severity, name, env);
}

cl_ort_status cl_ort_create_options(cl_ort_table table, void **options) {
    return ((cl_ort_status (*)(void **))table[10])(options);
}

cl_ort_status cl_ort_register_allocator(cl_ort_table table, void *env, struct cl_ort_allocator *allocator) {
    return ((cl_ort_status (*)(void *, struct cl_ort_allocator *))table[176])(env, allocator);
}

cl_ort_status cl_ort_disable_arena(cl_ort_table table, void *options) {
    cl_ort_status status = ((cl_ort_status (*)(void *))table[17])(options);
    return status ? status : ((cl_ort_status (*)(void *))table[19])(options);
}

cl_ort_status cl_ort_set_log_severity(cl_ort_table table, void *options, int severity) {
    return ((cl_ort_status (*)(void *, int))table[22])(options, severity);
}

cl_ort_status cl_ort_set_threads(cl_ort_table table, void *options, int intra, int inter) {
    cl_ort_status status = ((cl_ort_status (*)(void *, int))table[24])(options, intra);
    return status ? status : ((cl_ort_status (*)(void *, int))table[25])(options, inter);
}

cl_ort_status cl_ort_set_entry(cl_ort_table table, void *options, const char *key, const char *value) {
    return ((cl_ort_status (*)(void *, const char *, const char *))table[130])(options, key, value);
}

cl_ort_status cl_ort_create_session(
    cl_ort_table table, void *env, const void *model, size_t length, void *options, void **session) {
    return ((cl_ort_status (*)(void *, const void *, size_t, void *, void **))table[8])(
        env, model, length, options, session);
}

// MARK: Inputs and outputs of a session

cl_ort_status cl_ort_count(cl_ort_table table, void *session, int side, size_t *count) {
    return ((cl_ort_status (*)(void *, size_t *))table[side == CL_ORT_INPUT ? 30 : 31])(session, count);
}

cl_ort_status cl_ort_name(cl_ort_table table, void *session, int side, size_t index, char *name, size_t capacity) {
    void *allocator = NULL;
    cl_ort_status status = ((cl_ort_status (*)(void **))table[78])(&allocator);
    if (status) return status;
    char *text = NULL;
    status = ((cl_ort_status (*)(void *, size_t, void *, char **))table[side == CL_ORT_INPUT ? 36 : 37])(
        session, index, allocator, &text);
    if (status) return status;
    snprintf(name, capacity, "%s", text ? text : "");
    return text ? ((cl_ort_status (*)(void *, void *))table[76])(allocator, text) : NULL;
}

// Element type and shape from a tensor description that is borrowed.
static cl_ort_status tensor_type(
    cl_ort_table table, const void *tensor, int *element, int64_t *shape, size_t capacity, size_t *rank) {
    cl_ort_status status = ((cl_ort_status (*)(const void *, int *))table[60])(tensor, element);
    if (!status) status = ((cl_ort_status (*)(const void *, size_t *))table[61])(tensor, rank);
    if (!status && *rank <= capacity)
        status = ((cl_ort_status (*)(const void *, int64_t *, size_t))table[62])(tensor, shape, *rank);
    return status;
}

cl_ort_status cl_ort_type(
    cl_ort_table table, void *session, int side, size_t index, int *element, int64_t *shape, size_t capacity,
    size_t *rank) {
    *element = 0;
    *rank = 0;
    void *type = NULL;
    cl_ort_status status = ((cl_ort_status (*)(void *, size_t, void **))table[side == CL_ORT_INPUT ? 33 : 34])(
        session, index, &type);
    if (status) return status;
    const void *tensor = NULL;
    status = ((cl_ort_status (*)(const void *, const void **))table[55])(type, &tensor);
    if (!status && tensor) status = tensor_type(table, tensor, element, shape, capacity, rank);
    ((void (*)(void *))table[98])(type);
    return status;
}

// MARK: Running

cl_ort_status cl_ort_create_run_options(cl_ort_table table, void **options) {
    return ((cl_ort_status (*)(void **))table[39])(options);
}

cl_ort_status cl_ort_terminate(cl_ort_table table, void *options) {
    return ((cl_ort_status (*)(void *))table[46])(options);
}

cl_ort_status cl_ort_create_memory_info(cl_ort_table table, void **info) {
    // Device allocator, default memory: the bytes stay the caller's.
    return ((cl_ort_status (*)(int, int, void **))table[69])(0, 0, info);
}

cl_ort_status cl_ort_create_tensor(
    cl_ort_table table, void *info, void *bytes, size_t length, const int64_t *shape, size_t rank, int element,
    void **value) {
    return ((cl_ort_status (*)(const void *, void *, size_t, const int64_t *, size_t, int, void **))table[49])(
        info, bytes, length, shape, rank, element, value);
}

cl_ort_status cl_ort_run(
    cl_ort_table table, void *session, void *options, const char *const *input_names, const void *const *inputs,
    size_t input_count, const char *const *output_names, size_t output_count, void **outputs) {
    return ((cl_ort_status (*)(
        void *, const void *, const char *const *, const void *const *, size_t, const char *const *, size_t,
        void **))table[9])(
        session, options, input_names, inputs, input_count, output_names, output_count, outputs);
}

cl_ort_status cl_ort_value_type(
    cl_ort_table table, void *value, int *element, int64_t *shape, size_t capacity, size_t *rank, size_t *count) {
    void *tensor = NULL;
    cl_ort_status status = ((cl_ort_status (*)(const void *, void **))table[65])(value, &tensor);
    if (status) return status;
    status = tensor_type(table, tensor, element, shape, capacity, rank);
    if (!status) status = ((cl_ort_status (*)(const void *, size_t *))table[64])(tensor, count);
    ((void (*)(void *))table[99])(tensor);
    return status;
}

cl_ort_status cl_ort_data(cl_ort_table table, void *value, void **data) {
    return ((cl_ort_status (*)(void *, void **))table[51])(value, data);
}

void cl_ort_release(cl_ort_table table, int kind, void *handle) {
    if (handle) ((void (*)(void *))table[kind])(handle);
}
