#define _GNU_SOURCE

#include "CUnixSocket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

// Fills address for path. A path longer than sun_path is named through its opened folder instead; *folder is then that
// descriptor, to be closed after use, otherwise -1.
static int address_of(const char *path, struct sockaddr_un *address, int *folder) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    *folder = -1;
    size_t length = strlen(path);
    if (length < sizeof address->sun_path) {
        memcpy(address->sun_path, path, length + 1);
        return 0;
    }
    const char *name = strrchr(path, '/');
    char parent[4096];
    if (name == NULL || name == path || (size_t)(name - path) >= sizeof parent) return -ENAMETOOLONG;
    memcpy(parent, path, (size_t)(name - path));
    parent[name - path] = 0;
    *folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0) return -errno;
    int written = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *folder, name + 1);
    if (written < 0 || (size_t)written >= sizeof address->sun_path) {
        close(*folder);
        *folder = -1;
        return -ENAMETOOLONG;
    }
    return 0;
}

static int set_timeouts(int fd, int milliseconds) {
    struct timeval limit = {.tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0) return -errno;
    return 0;
}

int cloister_unix_connect(const char *path, int timeout_milliseconds) {
    struct sockaddr_un address;
    int folder;
    int result = address_of(path, &address, &folder);
    if (result < 0) return result;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        result = -errno;
    } else {
        result = set_timeouts(fd, timeout_milliseconds);
        if (result == 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) result = -errno;
        if (result < 0) close(fd);
    }
    if (folder >= 0) close(folder);
    return result < 0 ? result : fd;
}

int cloister_unix_listen(const char *path, uint32_t mode, int backlog) {
    struct sockaddr_un address;
    int folder;
    int result = address_of(path, &address, &folder);
    if (result < 0) return result;
    int on = 1;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        result = -errno;
    } else {
        // SO_PASSCRED before listen: messages sent ahead of accept have credentials too.
        if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0
            || bind(fd, (struct sockaddr *)&address, sizeof address) != 0
            || chmod(address.sun_path, (mode_t)mode) != 0 || listen(fd, backlog) != 0)
            result = -errno;
        if (result < 0) close(fd);
    }
    if (folder >= 0) close(folder);
    return result < 0 ? result : fd;
}

int cloister_unix_accept(int listener, int timeout_milliseconds) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return -errno;
    // Not left to inheritance: a connection without SO_PASSCRED would be one without callers.
    int on = 1;
    int result = set_timeouts(fd, timeout_milliseconds);
    if (result == 0 && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) result = -errno;
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

int cloister_unix_wait(int fd, int wake) {
    struct pollfd watched[2] = {{.fd = fd, .events = POLLIN}, {.fd = wake, .events = POLLIN}};
    for (;;) {
        int count = poll(watched, 2, -1);
        if (count < 0 && errno != EINTR) return -errno;
        if (count <= 0) continue;
        return watched[1].revents != 0 ? 2 : 1;
    }
}

int64_t cloister_unix_send(int fd, const void *bytes, size_t count) {
    ssize_t sent;
    do {
        sent = send(fd, bytes, count, MSG_NOSIGNAL | MSG_EOR);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

static int64_t receive(int fd, void *bytes, size_t capacity, struct msghdr *message) {
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    message->msg_iov = &part;
    message->msg_iovlen = 1;
    ssize_t received;
    do {
        received = recvmsg(fd, message, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    message->msg_iov = NULL;
    if (received < 0) return -errno;
    if (message->msg_flags & MSG_TRUNC) return -EMSGSIZE;
    return received;
}

int64_t cloister_unix_receive(int fd, void *bytes, size_t capacity, struct cloister_credentials *sender) {
    // Room for credentials and nothing else: descriptors that a sender attaches do not fit and are dropped by the kernel.
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr aligned;
    } control;
    struct msghdr message = {.msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    int64_t received = receive(fd, bytes, capacity, &message);
    if (received <= 0) return received;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if ((message.msg_flags & MSG_CTRUNC) || header == NULL || header->cmsg_level != SOL_SOCKET
        || header->cmsg_type != SCM_CREDENTIALS || header->cmsg_len != CMSG_LEN(sizeof(struct ucred)))
        return -EPROTO;
    struct ucred credentials;
    memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
    sender->pid = credentials.pid;
    sender->uid = credentials.uid;
    sender->gid = credentials.gid;
    return received;
}

int64_t cloister_unix_receive_plain(int fd, void *bytes, size_t capacity) {
    struct msghdr message = {0};
    return receive(fd, bytes, capacity, &message);
}

int32_t cloister_unix_peer(int fd) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -errno;
    return credentials.pid;
}

int cloister_pidfd_open(int32_t pid) {
    long fd = syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : (int)fd;
}

bool cloister_pidfd_exited(int pidfd) {
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};
    int count;
    do {
        count = poll(&watched, 1, 0);
    } while (count < 0 && errno == EINTR);
    return count != 0;
}

int cloister_event_open(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

void cloister_event_signal(int fd) {
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written;
}

int cloister_file_identity(int fd, struct cloister_file_identity *identity) {
    struct stat status;
    if (fstat(fd, &status) != 0) return -errno;
    identity->device = status.st_dev;
    identity->inode = status.st_ino;
    identity->size = status.st_size;
    identity->modified_nanoseconds = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    identity->changed_nanoseconds = (int64_t)status.st_ctim.tv_sec * 1000000000 + status.st_ctim.tv_nsec;
    identity->regular = S_ISREG(status.st_mode);
    return 0;
}
