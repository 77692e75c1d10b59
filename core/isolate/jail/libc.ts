/** The C library through `bun:ffi`: raw system calls, and the few wrappers that must reach every thread. */
import { dlopen, FFIType, ptr, read, type Pointer } from "bun:ffi";

/** An argument of a system call: a number, or memory that lives until the call returns. */
export type Argument = number | NodeJS.TypedArray;

export interface Libc {
  /** A raw system call. Answers -1 on failure, with the reason in `errno()`. */
  syscall(number: number, ...args: readonly Argument[]): number;
  errno(): number;
  socketpair(domain: number, type: number, pair: Int32Array): number;
  close(fd: number): number;
  /** 1 for a terminal. */
  isatty(fd: number): number;
  /** The three below change every thread of the process: a raw system call would change only the calling one. */
  setgroups(): number;
  setresgid(id: number): number;
  setresuid(id: number): number;
  /** Address of a function of the library, to be handed on as a callback. */
  address(name: string): number;
}

const MUSL_NAMES: Readonly<Record<string, string>> = { x64: "libc.musl-x86_64.so.1", arm64: "libc.musl-aarch64.so.1" };

/** The names are already loaded into this process, so that opening them again touches no file. */
function candidates(): readonly string[] {
  if (process.platform === "darwin") return ["libSystem.B.dylib"];
  return ["libc.so.6", MUSL_NAMES[process.arch] ?? "libc.so", "libc.so"];
}

let opened: Libc | null | undefined;

/** Null where there is no C library that we know (Windows). */
export function openLibc(): Libc | null {
  if (opened === undefined) opened = process.platform === "win32" ? null : load();
  return opened;
}

function load(): Libc | null {
  for (const name of candidates()) {
    try {
      return process.platform === "linux" ? linux(name) : portable(name);
    } catch {
      continue; // the next name is the library of another distribution; null below says that none fitted
    }
  }
  return null;
}

const SHARED = {
  socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  isatty: { args: ["i32"], returns: "i32" },
} as const;

function linux(name: string): Libc {
  const { symbols } = dlopen(name, {
    ...SHARED,
    // Variadic in C. On x86-64 and AArch64 Linux integers travel in the same registers either way.
    syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], returns: FFIType.i64_fast },
    __errno_location: { args: [], returns: "ptr" },
    setgroups: { args: ["u64", "i64"], returns: "i32" },
    setresgid: { args: ["u32", "u32", "u32"], returns: "i32" },
    setresuid: { args: ["u32", "u32", "u32"], returns: "i32" },
    dlsym: { args: ["i64", "ptr"], returns: "ptr" },
  });
  const word = (args: readonly Argument[], at: number): number => {
    const value = args[at] ?? 0;
    return typeof value === "number" ? value : ptr(value);
  };
  return {
    syscall: (number, ...args) =>
      Number(
        symbols.syscall(
          number,
          word(args, 0),
          word(args, 1),
          word(args, 2),
          word(args, 3),
          word(args, 4),
          word(args, 5),
        ),
      ),
    errno: () => read.i32(symbols.__errno_location() as Pointer),
    socketpair: (domain, type, pair) => symbols.socketpair(domain, type, 0, ptr(pair)),
    close: (fd) => symbols.close(fd),
    isatty: (fd) => symbols.isatty(fd),
    setgroups: () => symbols.setgroups(0, 0),
    setresgid: (id) => symbols.setresgid(id, id, id),
    setresuid: (id) => symbols.setresuid(id, id, id),
    address: (symbol) => Number(symbols.dlsym(0, ptr(cString(symbol)))),
  };
}

/** Without a jail only a pair of sockets is needed. */
function portable(name: string): Libc {
  const { symbols } = dlopen(name, SHARED);
  const absent = () => -1;
  return {
    syscall: absent,
    errno: () => 38,
    socketpair: (domain, type, pair) => symbols.socketpair(domain, type, 0, ptr(pair)),
    close: (fd) => symbols.close(fd),
    isatty: (fd) => symbols.isatty(fd),
    setgroups: absent,
    setresgid: absent,
    setresuid: absent,
    address: () => 0,
  };
}

export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

const REASONS: Readonly<Record<number, string>> = {
  1: "the kernel does not permit it (EPERM)",
  22: "the kernel does not know it (EINVAL)",
  38: "the kernel does not have it (ENOSYS)",
  95: "the kernel was started without it (EOPNOTSUPP)",
};

/** The last failure in words, for reports. */
export function reason(libc: Libc): string {
  const code = libc.errno();
  return REASONS[code] ?? `the kernel answered error ${code}`;
}
