#pragma once

// Sequenced-packet Unix sockets whose every message carries the sender's credentials as the kernel knows them, and
// process handles. Thin over the system calls: a result below zero is a negated errno.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Who sent one message (SCM_CREDENTIALS, unix(7)), numbered in the receiver's namespaces. pid 0: not visible there.
struct cloister_credentials {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};

// Connects to the SOCK_SEQPACKET socket at path; sends and receives on it fail with -EAGAIN after the timeout.
int cloister_unix_connect(const char *path, int timeout_milliseconds);

// Binds, restricts to mode, and listens, with SO_PASSCRED, so that no message arrives without credentials.
int cloister_unix_listen(const char *path, uint32_t mode, int backlog);

// Accepts one connection, or fails with -EAGAIN; it inherits SO_PASSCRED.
int cloister_unix_accept(int listener, int timeout_milliseconds);

// Waits until fd or wake can be read: 1 for fd, 2 for wake.
int cloister_unix_wait(int fd, int wake);

// Sends one message.
int64_t cloister_unix_send(int fd, const void *bytes, size_t count);

// Receives one message and its credentials: its length, 0 at the end of the connection, -EMSGSIZE when it is longer than
// capacity, -EPROTO when it has no credentials or carries anything else.
int64_t cloister_unix_receive(int fd, void *bytes, size_t capacity, struct cloister_credentials *sender);

// Receives one message without asking who sent it.
int64_t cloister_unix_receive_plain(int fd, void *bytes, size_t capacity);

// The process that connected (SO_PEERCRED), or a negated errno.
int32_t cloister_unix_peer(int fd);

// A handle of a process that stays with it when its number is used again (pidfd_open(2)).
int cloister_pidfd_open(int32_t pid);

// Whether the process behind the handle has ended.
bool cloister_pidfd_exited(int pidfd);

// A counter to wake waiting threads with (eventfd(2)).
int cloister_event_open(void);
void cloister_event_signal(int fd);

// Identity and change marks of an open file.
struct cloister_file_identity {
    uint64_t device;
    uint64_t inode;
    int64_t size;
    int64_t modified_nanoseconds;
    int64_t changed_nanoseconds;
    bool regular;
};
int cloister_file_identity(int fd, struct cloister_file_identity *identity);
