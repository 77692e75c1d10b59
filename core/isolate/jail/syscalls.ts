/** Numbers of the Linux system calls that the jail names, per architecture. */

/** [x86-64, AArch64]; null where the architecture never had the call. The AArch64 column was built, not run. */
export const SYSCALLS = {
  read: [0, 63],
  readv: [19, 65],
  write: [1, 64],
  writev: [20, 66],
  pread64: [17, 67],
  close: [3, 57],
  fstat: [5, 80],
  lseek: [8, 62],
  recvfrom: [45, 207],
  sendto: [44, 206],
  shutdown: [48, 210],
  getsockopt: [55, 209],
  poll: [7, null],
  ppoll: [271, 73],
  epoll_create1: [291, 20],
  epoll_ctl: [233, 21],
  epoll_wait: [232, null],
  epoll_pwait: [281, 22],
  epoll_pwait2: [441, 441],
  eventfd2: [290, 19],
  fcntl: [72, 25],
  ioctl: [16, 29],
  mmap: [9, 222],
  mprotect: [10, 226],
  munmap: [11, 215],
  madvise: [28, 233],
  brk: [12, 214],
  futex: [202, 98],
  membarrier: [324, 283],
  clone: [56, 220],
  clone3: [435, 435],
  set_robust_list: [273, 99],
  rseq: [334, 293],
  gettid: [186, 178],
  getpid: [39, 172],
  exit: [60, 93],
  exit_group: [231, 94],
  tgkill: [234, 131],
  restart_syscall: [219, 128],
  rt_sigaction: [13, 134],
  rt_sigprocmask: [14, 135],
  rt_sigreturn: [15, 139],
  rt_sigsuspend: [130, 133],
  sigaltstack: [131, 132],
  clock_gettime: [228, 113],
  clock_getres: [229, 114],
  clock_nanosleep: [230, 115],
  nanosleep: [35, 101],
  gettimeofday: [96, 169],
  getrandom: [318, 278],
  getrusage: [98, 165],
  sched_yield: [24, 124],
  sched_getaffinity: [204, 123],
  prlimit64: [302, 261],
  getuid: [102, 174],
  geteuid: [107, 175],
  getgid: [104, 176],
  getegid: [108, 177],
  prctl: [157, 167],
  seccomp: [317, 277],
  capget: [125, 90],
  capset: [126, 91],
  open: [2, null],
  openat: [257, 56],
  stat: [4, null],
  lstat: [6, null],
  newfstatat: [262, 79],
  statx: [332, 291],
  access: [21, null],
  faccessat: [269, 48],
  faccessat2: [439, 439],
  readlink: [89, null],
  readlinkat: [267, 78],
  getdents64: [217, 61],
  getcwd: [79, 17],
  fadvise64: [221, 223],
  kill: [62, 129],
  memfd_create: [319, 279],
  ftruncate: [77, 46],
  sched_setscheduler: [144, 119],
  landlock_create_ruleset: [444, 444],
  landlock_add_rule: [445, 445],
  landlock_restrict_self: [446, 446],
  socket: [41, 198],
  connect: [42, 203],
  execve: [59, 221],
  ptrace: [101, 117],
  io_uring_setup: [425, 425],
} as const satisfies Readonly<Record<string, readonly [number | null, number | null]>>;

export type Syscall = keyof typeof SYSCALLS;

export interface Architecture {
  /** What the kernel writes into `seccomp_data.arch` (AUDIT_ARCH_*). */
  readonly audit: number;
  /** Numbers from here on belong to another calling convention (x32). */
  readonly foreignFrom: number | null;
  readonly column: 0 | 1;
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { audit: 0xc000003e, foreignFrom: 0x40000000, column: 0 },
  arm64: { audit: 0xc00000b7, foreignFrom: null, column: 1 },
};

/** Null on an architecture without a table: it gets no filter, and the report says so. */
export function architecture(name: string = process.arch): Architecture | null {
  return ARCHITECTURES[name] ?? null;
}

export function numberOf(call: Syscall, arch: Architecture): number | null {
  return SYSCALLS[call][arch.column];
}

/** The number on this machine, for a call that both architectures have. */
export function here(call: Syscall): number {
  const arch = architecture();
  const number = arch === null ? null : numberOf(call, arch);
  if (number === null) throw new Error(`the system call ${call} has no number on ${process.platform} ${process.arch}`);
  return number;
}
