/** Landlock: which files a thread, and all that it starts, may still reach. https://docs.kernel.org/userspace-api/landlock.html */
import { cString, reason, type Libc } from "./libc.ts";
import { here } from "./syscalls.ts";

export interface PathRule {
  readonly path: string;
  /** `read`: a file, or everything below a folder. `list`: names in the folder and below, no content. */
  readonly access: "execute" | "read" | "list" | "write";
}

const EXECUTE = 1 << 0;
const WRITE_FILE = 1 << 1;
const READ_FILE = 1 << 2;
const READ_DIR = 1 << 3;
/** Rights of the first version; each later one added the bits up to the given one. */
const RIGHTS_BY_VERSION = [0, 13, 14, 15, 15, 16] as const;
const ALL_TCP = 0b11;
const ABSTRACT_SOCKETS = 1;
const SIGNALS = 2;

const CREATE_VERSION = 1;
const CREATE_ERRATA = 2;
/** Before this fix a thread could no longer signal the other threads of its own process, which the collector does. */
const ERRATUM_SIGNALS = 1 << 1;
const RESTRICT_ALL_THREADS = 1 << 3;
export const VERSION_ALL_THREADS = 8;

const O_PATH_CLOEXEC = 0o12000000;
export const AT_FDCWD = -100;
const PATH_BENEATH = 1;
const NO_NEW_PRIVS = 38;

/** 0 where the kernel has no Landlock, or it was left out at boot. */
export function landlockVersion(libc: Libc): number {
  return Math.max(0, libc.syscall(here("landlock_create_ruleset"), 0, 0, CREATE_VERSION));
}

/**
 * Null when in force on this thread; else why not. Paths that do not exist are passed over: there is nothing to reach.
 * `wholeProcess` also restricts the threads that run already, where the kernel can do so.
 */
export function restrictPaths(libc: Libc, rules: readonly PathRule[], wholeProcess: boolean): string | null {
  const version = landlockVersion(libc);
  if (version === 0) return reason(libc);
  const handled = 2 ** (RIGHTS_BY_VERSION[Math.min(version, 5)] ?? 16) - 1;
  const attributes = new BigUint64Array([
    BigInt(handled),
    version >= 4 ? BigInt(ALL_TCP) : 0n,
    version >= 6 ? BigInt(ABSTRACT_SOCKETS | (signalsAreScoped(libc) ? SIGNALS : 0)) : 0n,
  ]);
  const size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  const ruleset = libc.syscall(here("landlock_create_ruleset"), attributes, size, 0);
  if (ruleset < 0) return reason(libc);
  try {
    for (const rule of rules) {
      const refused = addRule(libc, ruleset, rule);
      if (refused !== null) return refused;
    }
    if (libc.syscall(here("prctl"), NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) return reason(libc);
    const flags = wholeProcess && version >= VERSION_ALL_THREADS ? RESTRICT_ALL_THREADS : 0;
    return libc.syscall(here("landlock_restrict_self"), ruleset, flags) === 0 ? null : reason(libc);
  } finally {
    libc.close(ruleset);
  }
}

function signalsAreScoped(libc: Libc): boolean {
  const errata = libc.syscall(here("landlock_create_ruleset"), 0, 0, CREATE_ERRATA);
  return errata > 0 && (errata & ERRATUM_SIGNALS) !== 0;
}

function addRule(libc: Libc, ruleset: number, rule: PathRule): string | null {
  const fd = libc.syscall(here("openat"), AT_FDCWD, cString(rule.path), O_PATH_CLOEXEC);
  if (fd < 0) return null;
  try {
    // struct landlock_path_beneath_attr, packed: u64 allowed_access; s32 parent_fd
    const attributes = new DataView(new ArrayBuffer(12));
    attributes.setInt32(8, fd, true);
    const attempt = (rights: number): boolean => {
      attributes.setBigUint64(0, BigInt(rights), true);
      return libc.syscall(here("landlock_add_rule"), ruleset, PATH_BENEATH, new Uint8Array(attributes.buffer), 0) === 0;
    };
    // A file takes no rights that are only meant for folders.
    if (attempt(rightsOf(rule.access)) || attempt(rightsOf(rule.access) & ~READ_DIR)) return null;
    return `${rule.path}: ${reason(libc)}`;
  } finally {
    libc.close(fd);
  }
}

function rightsOf(access: PathRule["access"]): number {
  if (access === "list") return READ_DIR;
  if (access === "write") return READ_FILE | WRITE_FILE;
  return READ_FILE | READ_DIR | (access === "execute" ? EXECUTE : 0);
}
