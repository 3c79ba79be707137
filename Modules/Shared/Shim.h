// What the modules use of the C library. Embedded Swift has no module for it, and cannot call variadic functions or read macros.
#ifndef SALLYPORT_SHIM_H
#define SALLYPORT_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <poll.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SALLYPORT_SOCKET
#define SALLYPORT_SOCKET "/run/sallyport/agent.sock"
#endif
#ifndef SALLYPORT_SNAPSHOT
#define SALLYPORT_SNAPSHOT "/var/lib/sallyport/accounts.snapshot"
#endif

// A connected stream to the agent, or -1. Connecting waits at most for `promptness` milliseconds, which takes time only when so many others
// wait that the agent must hang; every later wait ends after `patience` seconds.
static inline int sallyport_connect(long promptness, long patience)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval first = { .tv_sec = promptness / 1000, .tv_usec = promptness % 1000 * 1000 };
    struct timeval wait = { .tv_sec = patience };
    _Static_assert(sizeof(SALLYPORT_SOCKET) <= sizeof(address.sun_path), "the socket's path is too long");
    memcpy(address.sun_path, SALLYPORT_SOCKET, sizeof(SALLYPORT_SOCKET));
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0
        || setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &first, sizeof first) < 0
        || connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0
        || setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) < 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static inline int sallyport_close(int descriptor)
{
    return close(descriptor);
}

// Sends pieces as one message, because the agent wakes for each: 0 when all of it is sent. Interrupted calls are repeated; a vanished agent
// must not raise SIGPIPE in the process that looks up a name.
static inline int sallyport_send(int descriptor, struct iovec *pieces, size_t count)
{
    while (count > 0) {
        struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
        long sent = sendmsg(descriptor, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return -1;
        for (; count > 0 && (size_t)sent >= pieces->iov_len; count--)
            sent -= (pieces++)->iov_len;
        if (count > 0) {
            pieces->iov_base = (char *)pieces->iov_base + sent;
            pieces->iov_len -= sent;
        }
    }
    return 0;
}

#define SALLYPORT_MOST_TEXTS 5
#define SALLYPORT_LONGEST_TEXT 16000
#define SALLYPORT_LONGEST_REQUEST (32 * 1024)

// Asks with the texts that come before the first NULL: 0 when the question is sent. A text has its length in front and its zero byte behind.
static inline int sallyport_ask(int descriptor, uint8_t version, uint8_t question, const char *first,
    const char *second, const char *third, const char *fourth, const char *fifth)
{
    const char *texts[SALLYPORT_MOST_TEXTS] = { first, second, third, fourth, fifth };
    uint8_t lengths[SALLYPORT_MOST_TEXTS][2];
    struct iovec pieces[1 + 2 * SALLYPORT_MOST_TEXTS];
    size_t count = 1, size = 2;
    for (int index = 0; index < SALLYPORT_MOST_TEXTS && texts[index]; index++) {
        size_t length = strlen(texts[index]);
        if (length > SALLYPORT_LONGEST_TEXT)
            return -1;
        lengths[index][0] = length >> 8;
        lengths[index][1] = length;
        pieces[count++] = (struct iovec){ lengths[index], 2 };
        pieces[count++] = (struct iovec){ (void *)texts[index], length + 1 };
        size += length + 3;
    }
    if (size > SALLYPORT_LONGEST_REQUEST)
        return -1;
    uint8_t head[] = { size >> 24, size >> 16, size >> 8, size, version, question };
    pieces[0] = (struct iovec){ head, sizeof head };
    return sallyport_send(descriptor, pieces, count);
}

// Asks about a number: 0 when the question is sent.
static inline int sallyport_ask_number(int descriptor, uint8_t version, uint8_t question, uint32_t number)
{
    uint8_t frame[] = { 0, 0, 0, 6, version, question, number >> 24, number >> 16, number >> 8, number };
    struct iovec piece = { frame, sizeof frame };
    return sallyport_send(descriptor, &piece, 1);
}

static inline long sallyport_receive(int descriptor, void *bytes, long count)
{
    long received;
    do
        received = recv(descriptor, bytes, count, 0);
    while (received < 0 && errno == EINTR);
    return received;
}

// Whether something can be received within so many milliseconds.
static inline int sallyport_wait(int descriptor, int milliseconds)
{
    struct pollfd wanted = { .fd = descriptor, .events = POLLIN };
    return poll(&wanted, 1, milliseconds) > 0;
}

static inline int sallyport_open_snapshot(void)
{
    return open(SALLYPORT_SNAPSHOT, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

// The size of an open file that only root can have written, or -1. The system call is made directly because the C library's function has
// a new symbol since version 2.33, which would keep the module from loading on older systems; the structure is the kernel's own.
static inline long sallyport_trusted_size(int descriptor)
{
    struct stat status;
    if (syscall(SYS_fstat, descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != 0
        || (status.st_mode & 022) != 0)
        return -1;
    return status.st_size;
}

static inline int sallyport_map_failed(const void *address)
{
    return address == MAP_FAILED;
}

#endif
