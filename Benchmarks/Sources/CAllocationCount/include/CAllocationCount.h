#ifndef C_ALLOCATION_COUNT_H
#define C_ALLOCATION_COUNT_H

/// Bytes that the calling thread has asked its allocator for so far, whether or not they were given back.
unsigned long long allocated_bytes(void);

#endif
