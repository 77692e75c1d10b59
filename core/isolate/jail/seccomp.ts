/** Which system calls a child may still make once its own code has started, and how the filter is put in force. */
import { ptr } from "bun:ffi";
import { compileFilter, type Policy } from "./filter.ts";
import { reason, type Libc } from "./libc.ts";
import { here } from "./syscalls.ts";

const PROT_EXEC = 4;
const ENOSYS = 38;
/** CLONE_VM | FS | FILES | SIGHAND | THREAD | SYSVSEM | SETTLS | PARENT_SETTID | CHILD_CLEARTID: a thread, as glibc makes it. */
const THREAD_FLAGS = 0x3d0f00;
/** CLONE_DETACHED, which musl adds and the kernel ignores. */
const DETACHED = 0x400000;
const PR_SET_NAME = 15;
const FIONREAD = 0x541b;
const FIONBIO = 0x5421;
/** F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC. Not F_SETOWN and F_SETSIG: together they send signals to others. */
const FCNTL_COMMANDS = [0, 1, 2, 3, 4, 1030];
/** O_ACCMODE | O_CREAT | O_TRUNC: reading only. */
const WRITE_FLAGS = 0o1103;
const noExec = (arg: number) => [{ arg, mask: PROT_EXEC, oneOf: [0] }];

/**
 * An isolate computes, keeps time and talks through descriptors that it already has. Nothing here takes a path, makes a
 * descriptor to something new, reaches another process, or makes memory executable. JavaScriptCore has its executable
 * pool by then, and finds the missing `/proc/self/statm` no hindrance.
 */
function isolatePolicy(pid: number): Policy {
  return {
    // The hottest first: on kernels that do not cache verdicts the table is walked for every call.
    read: true,
    write: true,
    recvfrom: true,
    sendto: [{ arg: 4, pointer: null }],
    epoll_pwait2: true,
    epoll_pwait: true,
    epoll_wait: true,
    futex: true,
    madvise: true,
    epoll_ctl: true,
    clock_gettime: true,
    readv: true,
    writev: true,
    close: true,
    fstat: true,
    shutdown: true,
    getsockopt: true,
    poll: true,
    ppoll: true,
    // Bun panics where it may not make another event loop.
    epoll_create1: true,
    eventfd2: true,
    fcntl: [{ arg: 1, oneOf: FCNTL_COMMANDS }],
    ioctl: [{ arg: 1, oneOf: [FIONBIO, FIONREAD] }],
    mmap: noExec(2),
    mprotect: noExec(2),
    munmap: true,
    brk: true,
    membarrier: true,
    // Its flags lie in memory, where a filter cannot look; ENOSYS makes the C library fall back to clone.
    clone3: { errno: ENOSYS },
    clone: [{ arg: 0, mask: ~DETACHED >>> 0, oneOf: [THREAD_FLAGS] }],
    set_robust_list: true,
    rseq: true,
    gettid: true,
    getpid: true,
    exit: true,
    exit_group: true,
    // The garbage collector stops this process's own threads by signal.
    tgkill: [{ arg: 0, oneOf: [pid] }],
    restart_syscall: true,
    rt_sigaction: true,
    rt_sigprocmask: true,
    rt_sigreturn: true,
    rt_sigsuspend: true,
    sigaltstack: true,
    clock_getres: true,
    clock_nanosleep: true,
    nanosleep: true,
    gettimeofday: true,
    getrandom: true,
    getrusage: true,
    sched_yield: true,
    sched_getaffinity: true,
    // Reads a limit of its own; sets none.
    prlimit64: [
      { arg: 0, oneOf: [0] },
      { arg: 2, pointer: null },
    ],
    getuid: true,
    geteuid: true,
    getgid: true,
    getegid: true,
    prctl: [{ arg: 0, oneOf: [PR_SET_NAME] }],
  };
}

/** A builder also reads files; Landlock says which. */
function builderPolicy(pid: number): Policy {
  return {
    ...isolatePolicy(pid),
    open: [{ arg: 1, mask: WRITE_FLAGS, oneOf: [0] }],
    openat: [{ arg: 2, mask: WRITE_FLAGS, oneOf: [0] }],
    stat: true,
    lstat: true,
    newfstatat: true,
    statx: true,
    access: true,
    faccessat: true,
    faccessat2: true,
    readlink: true,
    readlinkat: true,
    getdents64: true,
    getcwd: true,
    lseek: true,
    pread64: true,
    fadvise64: true,
  };
}

/** `pid`: the child's own, the only one that it may signal. */
export function policyFor(kind: "isolate" | "builder", pid: number): Policy {
  return kind === "isolate" ? isolatePolicy(pid) : builderPolicy(pid);
}

const SECCOMP_SET_MODE_FILTER = 1;
const TSYNC = 1;

/** Null when it is in force on every thread; else why not. Needs no_new_privs. */
export function restrictCalls(libc: Libc, kind: "isolate" | "builder"): string | null {
  const program = compileFilter(policyFor(kind, process.pid));
  // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  const header = new BigUint64Array([BigInt(program.length / 8), BigInt(ptr(program))]);
  const result = libc.syscall(here("seccomp"), SECCOMP_SET_MODE_FILTER, TSYNC, header);
  if (result === 0) return null;
  return result > 0 ? `thread ${result} could not be brought under the filter` : reason(libc);
}
