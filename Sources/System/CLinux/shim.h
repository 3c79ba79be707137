/* Calls of the Linux kernel that have no shape in Swift: those with variable arguments, macros, and those the C library hides. */
#ifndef SALLYPORT_CLINUX_H
#define SALLYPORT_CLINUX_H
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

extern long syscall(long number, ...);

/* Moves the calling thread into a namespace. */
static inline int clinux_setns(int descriptor, int kind) { return (int)syscall(SYS_setns, descriptor, kind); }

static inline int clinux_pivot_root(const char *root, const char *old) {
    return (int)syscall(SYS_pivot_root, root, old);
}

static inline uint64_t clinux_device(unsigned major, unsigned minor) { return gnu_dev_makedev(major, minor); }

/* Who is at the other end of a local socket, as the kernel noted it at connect; the layout of struct ucred. */
static inline int clinux_peer(int descriptor, uint32_t *user) {
    struct {
        int32_t pid;
        uint32_t uid, gid;
    } peer;
    socklen_t size = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *user = peer.uid;
    return 0;
}

/* Gives up every capability outside `mask` for good, in this process and in whatever it becomes. */
static inline int clinux_keep_capabilities(uint64_t mask) {
    for (int number = 0; number < 64; number++) {
        if (mask >> number & 1) continue;
        if (prctl(PR_CAPBSET_DROP, (unsigned long)number, 0UL, 0UL, 0UL) != 0 && errno != EINVAL) return -1;
    }
    if (prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL) != 0 && errno != EINVAL) return -1;
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {
        {(uint32_t)mask, (uint32_t)mask, 0},
        {(uint32_t)(mask >> 32), (uint32_t)(mask >> 32), 0},
    };
    return (int)syscall(SYS_capset, &head, sets);
}

/* Closes every descriptor from `first` on. */
static inline int clinux_close_from(unsigned first) { return (int)syscall(SYS_close_range, first, ~0U, 0U); }

/* A pipe, and the next connection of a listener, that no program started meanwhile by another thread inherits. */
static inline int clinux_pipe(int ends[2]) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }
static inline int clinux_accept(int listener) {
    return (int)syscall(SYS_accept4, listener, (void *)0, (void *)0, SOCK_CLOEXEC);
}

/* A file in memory, closed to programs that are started; 1 is MFD_CLOEXEC. */
static inline int clinux_memory_file(void) { return (int)syscall(SYS_memfd_create, "sallyport", 1U); }

/* The user as whom the calling thread alone opens and makes files; returns who that was before. */
static inline int clinux_file_user(unsigned user) { return (int)syscall(SYS_setfsuid, user); }

/* Refuses for good, in this process and in whatever it becomes, the calls that lead out of a machine although its root has few capabilities:
   a namespace of users gives all of them back (and with them control groups, that is, the machine's own limits), keys are filed under numbers
   of users and not under machines, and the kernel's log and counters are the box's. Needs CAP_SYS_ADMIN, so programs that change users go on
   to work. Programs of another word size or call table get no call at all. Source: seccomp(2). */
static inline int clinux_refuse_calls(void) {
#if defined(__x86_64__)
    const unsigned machine = AUDIT_ARCH_X86_64, tables = 0x40000000;
#elif defined(__aarch64__)
    const unsigned machine = AUDIT_ARCH_AARCH64, tables = 0xffffffff;
#else
#error "the calls of this processor are not known"
#endif
    static const unsigned refused[] = {
        SYS_add_key, SYS_request_key, SYS_keyctl, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_syslog,
        SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root,
        SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr,
        SYS_open_by_handle_at, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_swapon,
        SYS_swapoff, SYS_quotactl, SYS_acct, SYS_reboot,
    };
    enum { calls = sizeof refused / sizeof *refused };
    const unsigned new_users = 0x10000000;
    const unsigned no = SECCOMP_RET_ERRNO | EPERM, unknown = SECCOMP_RET_ERRNO | ENOSYS;
    struct sock_filter steps[2 * calls + 20];
    unsigned short count = 0;
#define CLINUX_STEP(code, yes, other, value) steps[count++] = (struct sock_filter){(unsigned short)(code), yes, other, value}
    CLINUX_STEP(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
    CLINUX_STEP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, machine);
    CLINUX_STEP(BPF_RET | BPF_K, 0, 0, unknown);
    CLINUX_STEP(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    CLINUX_STEP(BPF_JMP | BPF_JGE | BPF_K, 0, 1, tables);
    CLINUX_STEP(BPF_RET | BPF_K, 0, 0, unknown);
    for (unsigned number = 0; number < calls; number++) {
        CLINUX_STEP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, refused[number]);
        CLINUX_STEP(BPF_RET | BPF_K, 0, 0, no);
    }
    /* Its flags lie in memory, where no filter looks; the C library then takes the older call. */
    CLINUX_STEP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_clone3);
    CLINUX_STEP(BPF_RET | BPF_K, 0, 0, unknown);
    CLINUX_STEP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, SYS_clone);
    CLINUX_STEP(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_unshare);
    CLINUX_STEP(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args));
    CLINUX_STEP(BPF_JMP | BPF_JSET | BPF_K, 0, 1, new_users);
    CLINUX_STEP(BPF_RET | BPF_K, 0, 0, no);
    CLINUX_STEP(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
#undef CLINUX_STEP
    const struct sock_fprog program = {count, steps};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &program);
}

/* Sends bytes and, unless it is negative, a descriptor with the first of them. */
static inline ssize_t clinux_send(int socket, const void *bytes, size_t count, int descriptor) {
    struct iovec part = {(void *)bytes, count};
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message;
    memset(&message, 0, sizeof message);
    memset(&control, 0, sizeof control);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &descriptor, sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* Receives bytes and at most one descriptor, which becomes -1 when none came. */
static inline ssize_t clinux_receive(int socket, void *bytes, size_t count, int *descriptor) {
    struct iovec part = {bytes, count};
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.room;
    message.msg_controllen = sizeof control.room;
    *descriptor = -1;
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received <= 0) return received;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(descriptor, CMSG_DATA(head), sizeof(int));
    return received;
}
#endif
