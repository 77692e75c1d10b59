import { test } from "bun:test";
import { expectAsHere, expectOutcomes, openRealm } from "./harness.ts";

const realm = openRealm();
const text = JSON.stringify;

const BYTES = [[], [65], [0xef, 0xbb, 0xbf, 65], [0xc3, 0xa9], [0xc3], [0xff, 65], [0xe0, 0x80, 65], [0xf0, 0x9f, 0x8e, 0x89], [0xf0, 0x9f, 65], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0, 0xd8, 65, 0], [0x3c, 0xd8, 0x89, 0xdf], [0xff, 0xfe, 65, 0], [65, 0, 66]]; // prettier-ignore

test("TextDecoder decodes as Bun's own, with every flag", () =>
  expectAsHere(
    realm,
    ["utf-8", "UTF8", "latin1", "ascii", "utf-16le", "utf-16be", "windows-1251", "shift_jis"].flatMap((label) =>
      BYTES.flatMap((bytes) =>
        ["{}", "{ fatal: true }", "{ ignoreBOM: true }"].map(
          (options) => `return new TextDecoder("${label}", ${options}).decode(new Uint8Array(${text(bytes)}))`,
        ),
      ),
    ),
  ));

test("TextDecoder joins characters that a chunk cut in two", () =>
  expectOutcomes(
    realm,
    [
      ["utf-8", "aé€🎉\u0800z", "new TextEncoder().encode(s)"],
      [
        "utf-16le",
        "aé€🎉z",
        "new Uint8Array(new Uint16Array([...s].flatMap((c) => c.length > 1 ? [c.charCodeAt(0), c.charCodeAt(1)] : [c.charCodeAt(0)])).buffer)",
      ],
    ].flatMap(([label, sample, encode]) =>
      [1, 2, 3, 5].map(
        (size) =>
          [
            `const s = ${text(sample)}; const bytes = ${encode}; const d = new TextDecoder("${label}", { fatal: true }); let out = "";
             for (let i = 0; i < bytes.length; i += ${size}) out += d.decode(bytes.subarray(i, i + ${size}), { stream: true });
             return out + d.decode()`,
            sample,
          ] as const,
      ),
    ),
  ));

test("TextDecoder keeps its state between streams right", () =>
  expectOutcomes(realm, [
    [`const d = new TextDecoder(); d.decode(new Uint8Array([0xe2]), { stream: true }); return d.decode()`, "\ufffd"],
    [
      `const d = new TextDecoder(); return [0xef, 0xbb, 0xbf, 65].map((b) => d.decode(new Uint8Array([b]), { stream: true })).join("") + d.decode()`,
      "A",
    ],
    [
      `const d = new TextDecoder(); const bom = new Uint8Array([0xef, 0xbb, 0xbf]); return [d.decode(bom), d.decode(bom), d.decode(bom, { stream: true }) + d.decode(bom)]`,
      ["", "", "\ufeff"],
    ],
    [
      `const d = new TextDecoder("utf-8", { fatal: true }); try { d.decode(new Uint8Array([0xff])); } catch {} return d.decode(new Uint8Array([65]))`,
      "A",
    ],
    [
      `const d = new TextDecoder("shift_jis"); return d.decode(new Uint8Array([0x82]), { stream: true }) + d.decode(new Uint8Array([0xa0]))`,
      "あ",
    ],
    [
      `const d = new TextDecoder("  Latin1 "); return [d.encoding, d.fatal, d.ignoreBOM]`,
      ["windows-1252", false, false],
    ],
    [`new TextDecoder("klingon")`, new RangeError()],
    [`new TextDecoder().decode("text")`, new TypeError()],
    [`new TextDecoder().decode({ byteLength: 1, [Symbol.toStringTag]: "Uint8Array" })`, new TypeError()],
  ]));

test("TextEncoder encodes as Bun's own", () =>
  expectAsHere(realm, [
    ...["", "a", "é", "🎉", "\ud800", "a\udc00b", "\0", "x".repeat(1000)].flatMap((sample) => [
      `return [...new TextEncoder().encode(${text(sample)})]`,
      ...[0, 1, 2, 3, 4, 10].map(
        (room) =>
          `const u = new Uint8Array(${room}); const r = new TextEncoder().encodeInto(${text(sample)}, u); return [r, [...u]]`,
      ),
    ]),
    `return new TextEncoder().encode().length`,
    `return new TextEncoder().encode(undefined).length`,
    `return new TextEncoder().encoding`,
  ]));

test("atob and btoa are as Bun's own", () =>
  expectAsHere(realm, [
    ...["", "YQ==", "YQ", "YWJj", " Y W J j ", "Y", "YQ=", "YQ===", "=", "Y!", "ab\u00e9", "_-", "\u0000"].map(
      (sample) => `return atob(${text(sample)})`,
    ),
    ...["", "a", "abc", "\u00ff", "\u0100", "🎉", "\0"].map((sample) => `return btoa(${text(sample)})`),
    `return [btoa(null), btoa(12)]`,
    `btoa()`,
    `try { atob("!"); } catch (e) { return [e.name, e.code, e instanceof DOMException, e instanceof Error]; }`,
  ]));

test("crypto makes digests and random values", () =>
  expectAsHere(realm, [
    ...["SHA-1", "sha-256", "SHA-384", "Sha-512"].flatMap((name) => [
      `return new Uint8Array(await crypto.subtle.digest("${name}", new TextEncoder().encode("abc"))).toHex()`,
      `return new Uint8Array(await crypto.subtle.digest({ name: "${name}" }, new Uint8Array(100_000))).toHex()`,
    ]),
    `return await crypto.subtle.digest("MD5", new Uint8Array())`,
    `return await crypto.subtle.digest("SHA-256", "text")`,
    `return await crypto.subtle.digest("SHA-256")`,
    `const u = new Uint32Array(8); return [crypto.getRandomValues(u) === u, u.some((x) => x > 0)]`,
    `const u = new Uint8Array(8); crypto.getRandomValues(u.subarray(2, 4)); return [u[0], u[1], u[4]]`,
    `return /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())`,
    `return crypto.randomUUID() === crypto.randomUUID()`,
    `return crypto.getRandomValues(new Uint8Array(65536)).length`,
    `new Crypto()`,
  ]));

test("getRandomValues refuses what is too long, and what holds no integers", () =>
  expectOutcomes(realm, [
    [
      `try { crypto.getRandomValues(new Uint8Array(65537)); } catch (e) { return [e.name, e.code]; }`,
      ["QuotaExceededError", 22],
    ],
    [
      `try { crypto.getRandomValues(new Float64Array(1)); } catch (e) { return [e.name, e.code]; }`,
      ["TypeMismatchError", 17],
    ],
    [
      `try { crypto.getRandomValues(new DataView(new ArrayBuffer(1))); } catch (e) { return e.name; }`,
      "TypeMismatchError",
    ],
  ]));

test("structuredClone copies data and keeps its shape", () =>
  expectAsHere(realm, [
    ...[
      "1",
      "'a'",
      "null",
      "undefined",
      "true",
      "NaN",
      "-0",
      "[1,,2]",
      "{ a: { b: [1] } }",
      "Object.create({ x: 1 }, { y: { value: 2, enumerable: true } })",
    ].map((value) => `return structuredClone(${value})`),
    `return String(structuredClone(10n))`,
    `const d = structuredClone(new Date(5)); return [d instanceof Date, d.getTime()]`,
    `const r = structuredClone(/a\\/b/giu); return [r instanceof RegExp, r.source, r.flags, r.lastIndex]`,
    `const m = structuredClone(new Map([[{ k: 1 }, new Set([1, "a"])]])); return [m instanceof Map, [...m.keys()], [...[...m.values()][0]]]`,
    `const a = { self: null }; a.self = a; const b = structuredClone(a); return [b.self === b, b !== a]`,
    `const x = {}; const b = structuredClone([x, x]); return b[0] === b[1]`,
    `const u = new Uint16Array([1, 2, 3]).subarray(1); const c = structuredClone(u); return [c.constructor.name, [...c], c.byteOffset, c.buffer.byteLength]`,
    `const buffer = new ArrayBuffer(4); const c = structuredClone({ a: new Uint8Array(buffer), b: new DataView(buffer, 1) }); return [c.a.buffer === c.b.buffer, c.b.byteLength]`,
    `const e = structuredClone(Object.assign(new Error("m"), { extra: 1 })); return [e.message, e.extra === undefined]`,
    `const e = structuredClone(new DOMException("m", "AbortError")); return [e instanceof DOMException, e.name, e.code, e.message]`,
    `const o = structuredClone([Object("s"), Object(1), Object(true)]); return o.map((x) => typeof x)`,
    `class P { a = 1; get b() { return 2; } } const p = structuredClone(new P()); return [p.constructor === Object, p]`,
    `const f = structuredClone(new File(["abc"], "n", { type: "a/b", lastModified: 5 })); return [f instanceof File, f.name, f.type, f.lastModified, await f.text()]`,
    `return structuredClone({ __proto__: null, ["__proto__"]: { polluted: 1 } }).polluted`,
    `const b = new ArrayBuffer(8); const c = structuredClone({ b }, { transfer: [b] }); return [b.byteLength, c.b.byteLength]`,
    `const b = new ArrayBuffer(8); try { structuredClone({ b, f() {} }, { transfer: [b] }); } catch {} return b.byteLength`,
    ...[
      "() => {}",
      "Symbol()",
      "{ f() {} }",
      "new WeakMap()",
      "Promise.resolve()",
      "new Headers()",
      "new URL('http://x/')",
      "new Response()",
      "new AbortController().signal",
      "new EventTarget()",
      "(function* () {})()",
    ].map((value) => `return structuredClone(${value})`),
    `structuredClone()`,
    `const b = new ArrayBuffer(8); structuredClone(b, { transfer: [b, b] })`,
    `structuredClone({}, { transfer: [{}] })`,
  ]));

test("Blob and File hold bytes", () =>
  expectAsHere(realm, [
    `const b = new Blob(["a", new Uint8Array([98]), new Blob(["c"]), new Uint8Array([100]).buffer, 1], { type: "Text/X" }); return [b.size, b.type, await b.text()]`,
    `const b = new Blob(["hello"]); return Promise.all([b.slice(1, 3), b.slice(-2), b.slice(2, -1), b.slice(3, 1), b.slice(9), b.slice(0, 9, "A/b")].map(async (s) => [await s.text(), s.size, s.type]))`,
    `return [new Blob().size, new Blob([]).type, new Blob([], { type: "\\u00e9" }).type]`,
    `new Blob("text")`,
    `return (await new Blob(["\\ufeffx"]).text()).length`,
    `new Blob(1)`,
    `return [...(await new Blob(["é"]).bytes())]`,
    `return (await new Blob(["é"]).arrayBuffer()).byteLength`,
    `return await new Response(new Blob(["xyz"]).stream()).text()`,
    `const f = new File(["x"], "a/b.txt", { lastModified: 5 }); return [f.name, f.lastModified, f.size, f instanceof Blob]`,
    `new File(["x"])`,
  ]));

test("events reach their listeners in order, and a signal aborts once", () =>
  expectAsHere(realm, [
    `const t = new EventTarget(); const out = []; t.addEventListener("x", (e) => out.push(1, e.type, e.target === t, e.eventPhase)); t.addEventListener("x", { handleEvent() { out.push(2, this !== t); } }); t.dispatchEvent(new Event("x")); return out`,
    `const t = new EventTarget(); let n = 0; const f = () => n++; t.addEventListener("x", f); t.addEventListener("x", f); t.dispatchEvent(new Event("x")); t.removeEventListener("x", f); t.dispatchEvent(new Event("x")); return n`,
    `const t = new EventTarget(); let n = 0; t.addEventListener("x", () => n++, { once: true }); t.dispatchEvent(new Event("x")); t.dispatchEvent(new Event("x")); return n`,
    `const t = new EventTarget(); t.addEventListener("x", (e) => e.preventDefault()); return [t.dispatchEvent(new Event("x", { cancelable: true })), t.dispatchEvent(new Event("x"))]`,
    `const t = new EventTarget(); const out = []; t.addEventListener("x", (e) => { out.push(1); e.stopImmediatePropagation(); }); t.addEventListener("x", () => out.push(2)); t.dispatchEvent(new Event("x")); return out`,
    `const t = new EventTarget(); const c = new AbortController(); let n = 0; t.addEventListener("x", () => n++, { signal: c.signal }); t.dispatchEvent(new Event("x")); c.abort(); t.dispatchEvent(new Event("x")); return n`,
    `return [new CustomEvent("x", { detail: 5 }).detail, new CustomEvent("x").detail, new Event("x").bubbles]`,
    `new Event()`,
    `new EventTarget().dispatchEvent({})`,
    `const c = new AbortController(); let n = 0; c.signal.onabort = () => n++; c.signal.addEventListener("abort", () => n++); c.abort(); c.abort("again"); return [n, c.signal.reason.name, c.signal.aborted]`,
    `return [AbortSignal.abort(5).reason, AbortSignal.abort().reason.name]`,
    `AbortSignal.abort(new RangeError()).throwIfAborted()`,
    `const a = new AbortController(), b = new AbortController(); const s = AbortSignal.any([a.signal, b.signal]); const t = AbortSignal.any([s]); const out = []; t.onabort = () => out.push(t.reason); b.abort(7); a.abort(8); return [out, s.reason]`,
    `return AbortSignal.any([AbortSignal.abort(3)]).reason`,
    `AbortSignal.any([{}])`,
    `const s = AbortSignal.timeout(1); await new Promise((r) => s.addEventListener("abort", r)); return [s.reason.name, s.reason.code]`,
    `AbortSignal.timeout(-1)`,
    `new AbortSignal()`,
    `const e = new DOMException("m", "NotFoundError"); return [e.name, e.code, e.message, e.NOT_FOUND_ERR, DOMException.ABORT_ERR, e instanceof Error, String(e), new DOMException().name]`,
  ]));

test("queueMicrotask runs before the next task, and a clock counts whole milliseconds", () =>
  expectOutcomes(realm, [
    [`const out = []; queueMicrotask(() => out.push(2)); out.push(1); await null; return out`, [1, 2]],
    [`queueMicrotask(1)`, new TypeError()],
    [
      `return [performance.now() % 1, performance.timeOrigin % 1, Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000]`,
      [0, 0, true],
    ],
    [`return Object.keys(performance.toJSON())`, ["timeOrigin"]],
  ]));

test("where Bun departs from the standards, the realm follows them", () =>
  expectOutcomes(realm, [
    [`crypto.getRandomValues([])`, new TypeError()],
    [`new Blob([], { endings: "x" })`, new TypeError()],
    [
      `const e = structuredClone(new RangeError("x", { cause: { y: 1 } })); return [e instanceof RangeError, e.name, e.message, e.cause]`,
      [true, "RangeError", "x", { y: 1 }],
    ],
    [`return await new Blob(["a\\r\\nb\\nc\\rd"], { endings: "native" }).text()`, "a\nb\nc\nd"],
    [
      `const t = new EventTarget(); const e = new Event("x"); let name; t.addEventListener("x", () => { try { t.dispatchEvent(e); } catch (x) { name = x.name; } }); t.dispatchEvent(e); return name`,
      "InvalidStateError",
    ],
  ]));
