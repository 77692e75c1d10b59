import { expect, test } from "bun:test";
import { makeAsk } from "../../../core/isolate/host-ops.ts";
import { DecodeFlag, Op } from "../../../core/isolate/realm/ops.ts";

const ask = makeAsk((length) => new Uint8Array(length));
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

test("each operation answers with a primitive or with bytes of the realm", () => {
  const cases: readonly (readonly [unknown, unknown])[] = [
    [ask(Op.Utf8Encode, "é"), bytes(0xc3, 0xa9)],
    [ask(Op.Utf8Decode, bytes(0xc3, 0xa9), 0), "é"],
    [ask(Op.Utf8Decode, bytes(0xff), 0), "\ufffd"],
    [ask(Op.Utf8Decode, bytes(0xff), DecodeFlag.Fatal), undefined],
    [ask(Op.Utf8Decode, bytes(0xef, 0xbb, 0xbf, 65), 0), "A"],
    [ask(Op.Utf8Decode, bytes(0xef, 0xbb, 0xbf, 65), DecodeFlag.KeepBom), "\ufeffA"],
    [ask(Op.Decode, bytes(0xc4), "windows-1251", 0), "Д"],
    [ask(Op.Decode, bytes(0xc4), "klingon", 0), undefined],
    [ask(Op.EncodingName, "latin1"), "windows-1252"],
    [ask(Op.EncodingName, "klingon"), undefined],
    [ask(Op.Latin1, bytes(0x80, 0xff)), "\x80\xff"],
    [ask(Op.Atob, "YQ=="), "a"],
    [ask(Op.Atob, "!"), undefined],
    [ask(Op.Btoa, "a"), "YQ=="],
    [ask(Op.Btoa, "🎉"), undefined],
    [ask(Op.UrlParse, "http://X/a b"), "http://x/a%20b"],
    [ask(Op.UrlParse, "b", "http://x/a"), "http://x/b"],
    [ask(Op.UrlParse, "b"), undefined],
    [ask(Op.UrlSet, "http://x/", 6, "y"), "http://x/y"],
    [ask(Op.UrlSet, "not a url", 6, "y"), undefined],
    [ask(Op.UrlSet, "http://x/", 99, "y"), undefined],
    [ask(Op.Digest, "MD5", bytes(1)), undefined],
    [ask(Op.Digest, "toString", bytes(1)), undefined],
    [(ask(Op.Digest, "SHA-512", bytes(1)) as Uint8Array).length, 64],
    [(ask(Op.Random, 65_536) as Uint8Array).length, 65_536],
    [ask(Op.Random, 65_537), undefined],
    [ask(Op.Random, -1), undefined],
    [ask(Op.Random, NaN), undefined],
    [ask(0), undefined],
    [ask(Number.MAX_SAFE_INTEGER), undefined],
  ];
  for (const [answer, wanted] of cases) expect(answer).toEqual(wanted);
});

/** A value that counts every attempt to look at it. */
function tripwire<T extends object>(target: T): { value: T; touched: () => number } {
  let touched = 0;
  const traps: Record<string, () => unknown> = {};
  for (const name of Object.getOwnPropertyNames(Reflect)) {
    const real = Reflect[name as keyof typeof Reflect] as (...args: unknown[]) => unknown;
    traps[name] = (...args: unknown[]) => {
      touched++;
      return real(...args);
    };
  }
  return { value: new Proxy(target, traps), touched: () => touched };
}

test("no operation looks at a property of what a script gives it", () => {
  const ops = Object.values(Op);
  for (const op of ops) {
    const view = bytes(1, 2, 3);
    const wire = tripwire(Uint8Array.prototype);
    const trap = (): never => {
      throw new Error("a getter of the script ran in the host");
    };
    for (const name of ["length", "byteLength", "byteOffset", "buffer", "constructor", "toString", "valueOf"]) {
      Object.defineProperty(view, name, { get: trap });
    }
    for (const name of [Symbol.toPrimitive, Symbol.iterator, Symbol.toStringTag])
      Object.defineProperty(view, name, { get: trap });
    Object.setPrototypeOf(view, wire.value);
    const fakes = [tripwire({}), tripwire(bytes(1)), tripwire(() => "x")];
    const given = [
      view,
      ...fakes.map((fake) => fake.value as unknown as Uint8Array),
      "SHA-1",
      "http://x/",
      1,
      undefined,
      Symbol("s") as never,
    ];
    for (const a of given) for (const b of given) for (const c of [given[0], given[1], 1, "x"]) ask(op, a, b, c);
    expect([op, wire.touched(), ...fakes.map((fake) => fake.touched())]).toEqual([op, 0, 0, 0, 0]);
  }
});

test("an allocation of the realm that fails or lies is an unanswered question, not an error", () => {
  const broken: readonly ((length: number) => unknown)[] = [
    () => {
      throw new RangeError("no memory");
    },
    () => undefined,
    () => [],
    (length) => new Uint8Array(length + 1),
    (length) => new Uint16Array(length),
    (length) => new Proxy(new Uint8Array(length), {}),
  ];
  for (const alloc of broken) {
    const asked = makeAsk(alloc as (length: number) => Uint8Array);
    const answers = [asked(Op.Utf8Encode, "x"), asked(Op.Random, 4), asked(Op.Digest, "SHA-1", bytes(1))];
    expect(answers).toEqual([undefined, undefined, undefined]);
  }
});
