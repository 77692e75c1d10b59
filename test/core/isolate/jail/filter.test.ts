/** The compiled filter, run by a small interpreter of classic BPF: also for the architecture that is not here. */
import { describe, expect, test } from "bun:test";
import { compileFilter, type Policy } from "../../../../core/isolate/jail/filter.ts";
import { policyFor } from "../../../../core/isolate/jail/seccomp.ts";
import {
  architecture,
  numberOf,
  SYSCALLS,
  type Architecture,
  type Syscall,
} from "../../../../core/isolate/jail/syscalls.ts";

const PID = 4321;

function run(program: Uint8Array, audit: number, number: number, args: readonly bigint[] = []): string {
  const data = new DataView(new ArrayBuffer(64));
  data.setInt32(0, number, true);
  data.setUint32(4, audit, true);
  args.forEach((value, at) => data.setBigUint64(16 + 8 * at, BigInt.asUintN(64, value), true));
  const code = new DataView(program.buffer);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const [op, yes, no, value] = [
      code.getUint16(at * 8, true),
      code.getUint8(at * 8 + 2),
      code.getUint8(at * 8 + 3),
      code.getUint32(at * 8 + 4, true),
    ];
    if (op === 0x20) accumulator = data.getUint32(value, true);
    else if (op === 0x54) accumulator = (accumulator & value) >>> 0;
    else if (op === 0x15) at += accumulator === value ? yes : no;
    else if (op === 0x35) at += accumulator >= value ? yes : no;
    else if (op === 0x06) return verdict(value);
    else throw new Error(`unknown instruction ${op}`);
  }
}

function verdict(value: number): string {
  if (value === 0x7fff0000) return "allow";
  if (value === 0x80000000) return "kill";
  return `errno ${value & 0xffff}`;
}

describe.each(["x64", "arm64"])("the filter for %s", (name) => {
  const arch = architecture(name) as Architecture;
  const isolate = compileFilter(policyFor("isolate", PID), arch);
  const builder = compileFilter(policyFor("builder", PID), arch);
  const ask = (program: Uint8Array, call: Syscall, ...args: readonly bigint[]): string => {
    const number = numberOf(call, arch);
    return number === null ? "absent" : run(program, arch.audit, number, args);
  };

  test("another architecture's calls end the process", () => {
    expect(run(isolate, 0x40000003, 1)).toBe("kill");
    expect(run(isolate, arch.audit === 0xc000003e ? 0xc00000b7 : 0xc000003e, 1)).toBe("kill");
  });

  test.skipIf(arch.foreignFrom === null)(
    "the other calling convention of the same architecture ends the process",
    () => {
      expect(run(isolate, arch.audit, 0x40000000)).toBe("kill");
      expect(run(isolate, arch.audit, 0x40000000 + 59)).toBe("kill");
      expect(run(isolate, arch.audit, -1)).toBe("kill");
    },
  );

  test("calls outside the table are refused, also those that do not exist yet", () => {
    for (const call of ["execve", "socket", "connect", "ptrace", "kill", "open", "openat", "statx"] as const) {
      expect(ask(isolate, call)).toBeOneOf(["errno 1", "absent"]);
    }
    expect(run(isolate, arch.audit, 4000)).toBe("errno 1");
  });

  test("memory may be mapped, but never executable", () => {
    expect(ask(isolate, "mmap", 0n, 4096n, 3n)).toBe("allow");
    for (const protection of [4n, 5n, 7n]) {
      expect(ask(isolate, "mmap", 0n, 4096n, protection)).toBe("errno 1");
      expect(ask(isolate, "mprotect", 0n, 4096n, protection)).toBe("errno 1");
    }
  });

  test("clone makes threads, not processes and not namespaces", () => {
    expect(ask(isolate, "clone", 0x3d0f00n)).toBe("allow");
    expect(ask(isolate, "clone", 0x7d0f00n)).toBe("allow");
    expect(ask(isolate, "clone", 17n)).toBe("errno 1");
    expect(ask(isolate, "clone", 0x3d0f00n | 0x10000000n)).toBe("errno 1");
    expect(ask(isolate, "clone3")).toBe("errno 38");
  });

  test("signals reach this process only", () => {
    expect(ask(isolate, "tgkill", BigInt(PID), 5n, 10n)).toBe("allow");
    expect(ask(isolate, "tgkill", BigInt(PID + 1), 5n, 10n)).toBe("errno 1");
  });

  test("a pointer counts with all of its 64 bits", () => {
    expect(ask(isolate, "sendto", 0n, 1n, 1n, 0n, 0n)).toBe("allow");
    expect(ask(isolate, "sendto", 0n, 1n, 1n, 0n, 1n << 32n)).toBe("errno 1");
    expect(ask(isolate, "prlimit64", 0n, 7n, 0n, 1n)).toBe("allow");
    expect(ask(isolate, "prlimit64", 0n, 7n, 1n << 40n)).toBe("errno 1");
  });

  test("a builder opens files for reading only", () => {
    expect(ask(builder, "openat", 0n, 0n, 0o2000000n)).toBe("allow");
    for (const flags of [1n, 2n, 0o101n, 0o100n, 0o1000n])
      expect(ask(builder, "openat", 0n, 0n, flags)).toBe("errno 1");
    for (const call of ["execve", "socket", "connect", "kill", "ptrace"] as const) {
      expect(ask(builder, call)).toBe("errno 1");
    }
  });

  test("every named call is judged by its own number", () => {
    const numbers = Object.keys(SYSCALLS).flatMap((call) => numberOf(call as Syscall, arch) ?? []);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

test("an architecture without a table gets no filter instead of a wrong one", () => {
  expect(architecture("riscv64")).toBeNull();
  expect(() => compileFilter({} satisfies Policy, null)).toThrow("no table of system calls");
});
