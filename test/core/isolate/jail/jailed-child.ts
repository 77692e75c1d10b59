/** A child for the tests of the jail: locks itself down, then does as it is told with all the power a child has left. */
import { ptr } from "bun:ffi";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { lockDown, type JailReport } from "../../../../core/isolate/jail/lockdown.ts";
import { cString, openLibc, type Argument } from "../../../../core/isolate/jail/libc.ts";
import { openPage } from "../../../../core/isolate/jail/page.ts";
import { RING_BYTES } from "../../../../core/isolate/ring.ts";
import { numberOf, architecture, type Syscall } from "../../../../core/isolate/jail/syscalls.ts";

const argument = (name: string): string | undefined =>
  process.argv.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
const enginePid = process.ppid;
const libc = openLibc();
const shared = process.argv.includes("keep-page") ? null : openPage();
const words = shared?.words ?? null;
const report: JailReport | null = process.argv.includes("unlocked")
  ? null
  : lockDown(
      process.argv.includes("--builder")
        ? { kind: "builder", readPaths: (argument("read") ?? "").split(",").filter(Boolean) }
        : { kind: "isolate" },
    );

// Without the lock-down a root engine's child would still be root, which no child that runs a script ever is.
if (report === null && process.getuid?.() === 0) {
  libc?.setgroups();
  libc?.setresgid(65534);
  libc?.setresuid(65534);
}

/** `"done"`, or the error number with which the kernel refused. */
function call(number: number, ...args: readonly Argument[]): string {
  if (libc === null) return "no libc";
  const result = libc.syscall(number, ...args);
  return result === -1 ? `errno ${libc.errno()}` : "done";
}
function named(name: Syscall, ...args: readonly Argument[]): string {
  const arch = architecture();
  const number = arch === null ? null : numberOf(name, arch);
  return number === null ? "errno 38" : call(number, ...args);
}
/** x86-64 numbers of calls that the engine has no name for. */
/** x86-64 only. */
const X64 = {
  fork: 57,
  vfork: 58,
  execveat: 322,
  pidfd_open: 434,
  pidfd_getfd: 438,
  process_vm_readv: 310,
  rt_sigqueueinfo: 129,
  tkill: 200,
  bpf: 321,
  io_uring_setup: 425,
  socketpair: 53,
  sendmsg: 46,
  mremap: 25,
  pkey_mprotect: 329,
  shmget: 29,
  unshare: 272,
  mount: 165,
  setpriority: 141,
  uname: 63,
  openat2: 437,
  open_by_handle_at: 304,
  chdir: 80,
  ftruncate: 77,
  userfaultfd: 323,
  personality: 135,
  setns: 308,
  keyctl: 250,
  perf_event_open: 298,
  truncate: 76,
  unlink: 87,
  mkdir: 83,
  symlink: 88,
  sched_setscheduler: 144,
  sendfile: 40,
  inotify_init1: 294,
} as const;

function attempt(act: () => unknown): string {
  try {
    act();
    return "done";
  } catch (error) {
    return `refused: ${error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)}`;
  }
}

async function attemptLater(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return "done";
  } catch (error) {
    return `refused: ${error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)}`;
  }
}

/** Signals are 0 here, which asks for the same permission: a filter with a hole must fail a test, not end the machine. */
function systemCalls(): Record<string, string> {
  if (report === null || !report.held.includes("seccomp"))
    throw new Error("without a filter these calls would be made");
  const passwd = cString("/etc/passwd");
  const page = 4096;
  const own = new Uint8Array(64);
  const out: Record<string, string> = {
    "open a file": named("openat", -100, passwd, 0),
    "open its own maps": named("openat", -100, cString("/proc/self/maps"), 0),
    "open the root folder": named("openat", -100, cString("/"), 0),
    "stat a file": named("newfstatat", -100, passwd, own, 0),
    "read a link": named("readlinkat", -100, cString("/proc/self/exe"), own, 64),
    "make a socket (unix)": named("socket", 1, 1, 0),
    "make a socket (internet)": named("socket", 2, 1, 0),
    "make a socket (netlink)": named("socket", 16, 3, 0),
    "connect its socket elsewhere": named("connect", 0, own, 16),
    "execute a program": named("execve", cString("/bin/sh"), 0, 0),
    "start a process by clone": named("clone", 17, 0, 0, 0, 0),
    "clone into a new namespace": named("clone", 0x3d0f00 | 0x10000000, 0, 0, 0, 0),
    "start a process by clone3": named("clone3", new Uint8Array(88), 88),
    "kill the engine": named("kill", enginePid, 0),
    "kill everybody": named("kill", -1, 0),
    "kill a thread of the engine": named("tgkill", enginePid, enginePid, 0),
    "send a signal as owner of its socket": named("fcntl", 0, 8, enginePid),
    "choose the signal of its socket": named("fcntl", 0, 10, 9),
    "own its socket by ioctl": named("ioctl", 0, 0x8901, new Int32Array([enginePid])),
    "type into a terminal": named("ioctl", 2, 0x5412, own),
    "trace the engine": named("ptrace", 16, enginePid, 0, 0),
    "map executable memory": named("mmap", 0, page, 7, 0x22, -1, 0),
    "make memory executable": named("mprotect", Math.floor(ptr(own) / page) * page, page, 7),
    "outlive the engine": named("prctl", 1, 0, 0, 0, 0),
    "become dumpable": named("prctl", 4, 1, 0, 0, 0),
    "raise its limits": named("prlimit64", 0, 7, new BigUint64Array([4096n, 4096n]), 0),
    "limit the engine": named("prlimit64", enginePid, 7, new BigUint64Array([0n, 0n]), 0),
    "make a file in memory": named("memfd_create", cString("x"), 0),
    "use io_uring": named("io_uring_setup", 8, new Uint8Array(120)),
    "add capabilities": named("capset", new Int32Array([0x20080522, 0]), new Int32Array([-1, -1, 0, -1, -1, 0])),
  };
  if (process.arch === "x64")
    for (const [name, number] of Object.entries(X64)) out[name] = call(number, own, own, 0, 0, 0);
  return out;
}

async function highLevel(): Promise<Record<string, string>> {
  return {
    "fs.readFileSync": attempt(() => readFileSync("/etc/passwd")),
    "fs.readdirSync": attempt(() => readdirSync("/")),
    "fs.statSync": attempt(() => statSync("/etc/passwd")),
    "fs.writeFileSync": attempt(() => writeFileSync("/tmp/jailed-child-was-here", "x")),
    "the engine's environment": attempt(() => readFileSync(`/proc/${enginePid}/environ`)),
    child_process: attempt(() => execFileSync("/bin/true")),
    "Bun.spawn": attempt(() => Bun.spawnSync(["/bin/true"])),
    "process.kill": attempt(() => process.kill(enginePid, 0)),
    "Bun.file": await attemptLater(() => Bun.file("/etc/passwd").text()),
    "Bun.listen": attempt(() => Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })),
    "net.connect": await attemptLater(
      () =>
        new Promise((resolve, reject) => {
          connect(Number(argument("port") ?? 9), "127.0.0.1")
            .on("connect", resolve)
            .on("error", reject);
        }),
    ),
    fetch: await attemptLater(() => fetch(`http://127.0.0.1:${argument("port") ?? 9}/`)),
    "import of a file": await attemptLater(() => import(`/etc/${"hostname"}.ts`)),
  };
}

function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/** Warm: a function that ran before the lock-down would; fresh: code that first exists now, so that the JIT must start anew. */
function compute(): Record<string, number> {
  const fresh = new Function(
    "n",
    "function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2); } return f(n);",
  ) as typeof fib;
  const time = (act: () => unknown): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round++) {
      const from = performance.now();
      act();
      best = Math.min(best, performance.now() - from);
    }
    return best;
  };
  Bun.gc(true);
  return {
    warm: time(() => fib(27)),
    fresh: time(() => fresh(27)),
    regexp: time(() => "a1b2c3".repeat(20_000).replace(/([a-z])(\d)/g, "$2$1")),
    sorted: time(() => Array.from({ length: 20_000 }, (_, at) => String((at * 7919) % 20_011)).sort()),
  };
}

const acts: Record<string, () => unknown> = {
  report: () => report,
  "system calls": systemCalls,
  "high level": highLevel,
  /** Those that harm nobody where they are not refused: the child of this act is not filtered. */
  "open calls": () => ({
    "trace the engine": named("ptrace", 16, enginePid, 0, 0),
    "probe the engine": named("kill", enginePid, 0),
  }),
  compute,
  threads: () => attemptLater(() => crypto.subtle.digest("SHA-256", new Uint8Array(1 << 20))),
  spin: () => {
    for (;;);
  },
  page: () => {
    if (words !== null) words[0] = 4242;
    return words !== null;
  },
  bodies: () => {
    if (shared === null) return null;
    const { toIsolate, fromIsolate } = shared.bodies;
    fromIsolate.bytes().write("of the child", RING_BYTES - 12);
    return toIsolate.bytes().latin1Slice(5, 18);
  },
  "shrink page": () => named("ftruncate", 3, 0),
  flood: () => {
    for (let at = 0; at < 100; at++) process.stderr.write("x".repeat(100_000));
    return "done";
  },
  build: async () => {
    const result = await Bun.build({ entrypoints: [argument("entry") ?? ""], throw: false });
    return { ok: result.success, text: (await result.outputs[0]?.text()) ?? "", logs: result.logs.map(String) };
  },
  "read file": () => attempt(() => readFileSync(argument("file") ?? "")),
};

let pending = "";
const socket = await Bun.connect({
  fd: 0,
  socket: {
    async data(socket: Bun.Socket, chunk: Buffer) {
      pending += chunk.toString();
      const lines = pending.split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) socket.write(`${JSON.stringify((await acts[line]?.()) ?? null)}\n`);
    },
    close: () => process.exit(0),
  },
} as unknown as Bun.TCPSocketConnectOptions<undefined>);
socket.write('"ready"\n');
