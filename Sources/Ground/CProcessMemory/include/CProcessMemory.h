// Keeps a process's secrets out of core dumps, other processes of the same user, and swap.
#ifndef CLOISTER_PROCESS_MEMORY_H
#define CLOISTER_PROCESS_MEMORY_H

enum {
    // Core dumps could not be switched off.
    CLOISTER_MEMORY_DUMPED = 1,
    // Other processes of the user may read this one.
    CLOISTER_MEMORY_READABLE = 2,
    // There is a limit on locked memory, which would stop the process when it is reached: nothing was locked.
    CLOISTER_MEMORY_LIMITED = 4,
    // Locking failed.
    CLOISTER_MEMORY_UNLOCKED = 8,
};

// Returns what could not be had.
int cloister_protect_memory(void);

#endif
