#define _GNU_SOURCE
#include "CProcessMemory.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int cloister_protect_memory(void) {
    int missing = 0;
    struct rlimit none = {0, 0}, locked = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) missing |= CLOISTER_MEMORY_DUMPED;
    // Also keeps core dumps from programs that the kernel pipes them to, which do not heed the limit.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) missing |= CLOISTER_MEMORY_READABLE;
    int unlimited = getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur == RLIM_INFINITY;
    if (!unlimited && geteuid() != 0) return missing | CLOISTER_MEMORY_LIMITED;
    // Pages as they are used: most of all stacks and libraries never are.
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) missing |= CLOISTER_MEMORY_UNLOCKED;
    return missing;
}
