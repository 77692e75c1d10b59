/** Turns a table of permitted system calls into a classic BPF program for seccomp. */
import { architecture, numberOf, type Architecture, type Syscall } from "./syscalls.ts";

/** The lower 32 bits of an argument, masked, must be one of the values; `pointer` compares all 64 bits with 0. */
export type Condition =
  | { readonly arg: number; readonly mask?: number; readonly oneOf: readonly number[] }
  | { readonly arg: number; readonly pointer: null };

/** `true`: permitted. A list: permitted when all conditions hold. A number: answered with this errno. */
export type Verdict = true | readonly Condition[] | { readonly errno: number };
export type Policy = { readonly [call in Syscall]?: Verdict };

const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const ERRNO = 0x00050000;
const EPERM = 1;

/** Offsets in `struct seccomp_data`; both architectures are little-endian. */
const OFFSET_NUMBER = 0;
const OFFSET_ARCH = 4;
const offsetLow = (arg: number): number => 16 + 8 * arg;
const offsetHigh = (arg: number): number => 20 + 8 * arg;

interface Instruction {
  readonly code: number;
  readonly yes: number;
  readonly no: number;
  readonly value: number;
}

const step = (code: number, value: number, yes = 0, no = 0): Instruction => ({ code, yes, no, value });

/**
 * Calls outside the table answer EPERM and not death: the engine's own run time probes for calls and falls back. Another
 * architecture's calling convention does kill: no honest program of this binary ever uses one, and its numbers mean
 * other calls.
 */
export function compileFilter(policy: Policy, arch: Architecture | null = architecture()): Uint8Array {
  if (arch === null) throw new Error(`there is no table of system calls for ${process.arch}`);
  const program: Instruction[] = [
    step(LOAD_WORD, OFFSET_ARCH),
    step(JUMP_EQUAL, arch.audit, 1, 0),
    step(RETURN, KILL_PROCESS),
    step(LOAD_WORD, OFFSET_NUMBER),
  ];
  if (arch.foreignFrom !== null) program.push(step(JUMP_AT_LEAST, arch.foreignFrom, 0, 1), step(RETURN, KILL_PROCESS));
  for (const [call, verdict] of Object.entries(policy) as [Syscall, Verdict][]) {
    const number = numberOf(call, arch);
    if (number === null) continue;
    const body = verdictSteps(verdict);
    program.push(step(JUMP_EQUAL, number, 0, body.length), ...body);
  }
  program.push(step(RETURN, ERRNO | EPERM));
  return encode(program);
}

/** Every block ends with a return, so that the next one still has the call's number in the accumulator. */
function verdictSteps(verdict: Verdict): readonly Instruction[] {
  if (verdict === true) return [step(RETURN, ALLOW)];
  if ("errno" in verdict) return [step(RETURN, ERRNO | verdict.errno)];
  const steps: Instruction[] = [];
  for (const condition of verdict) {
    if ("pointer" in condition) {
      for (const offset of [offsetLow(condition.arg), offsetHigh(condition.arg)])
        steps.push(...wordIs(offset, null, [0]));
    } else {
      steps.push(...wordIs(offsetLow(condition.arg), condition.mask ?? null, condition.oneOf));
    }
  }
  return [...steps, step(RETURN, ALLOW)];
}

/** Falls through when the word is one of the values, else refuses. */
function wordIs(offset: number, mask: number | null, values: readonly number[]): readonly Instruction[] {
  const head = [step(LOAD_WORD, offset)];
  if (mask !== null) head.push(step(AND, mask));
  const tests = values.map((value, at) => step(JUMP_EQUAL, value, values.length - at, 0));
  return [...head, ...tests, step(RETURN, ERRNO | EPERM)];
}

/** `struct sock_filter`: u16 code, u8 jt, u8 jf, u32 k. */
function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, yes, no, value }, at) => {
    if (yes > 255 || no > 255) throw new Error("a seccomp rule is longer than a BPF jump can skip (255)");
    view.setUint16(at * 8, code, true);
    view.setUint8(at * 8 + 2, yes);
    view.setUint8(at * 8 + 3, no);
    view.setUint32(at * 8 + 4, value >>> 0, true);
  });
  return bytes;
}
