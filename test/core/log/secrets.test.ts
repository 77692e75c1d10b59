/** Secret values in logs: hidden in every form in which they come by accident, and nothing else is. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createLog, type Log } from "../../../core/log.ts";
import type { Chunk } from "../../../core/log/ring.ts";
import { createSecrets, type Secrets } from "../../../core/log/secrets.ts";

const KEY = 'sk_"live"\\42\u00fc/+';

function collect(format: "json" | "pretty", secrets: Secrets): { log: Log; text: () => string } {
  let text = "";
  const write = (more: string): void => void (text += more);
  const log = createLog({ level: "debug", format, write, now: () => 0, secrets });
  return { log, text: () => (log.flush(), text) };
}

describe("a known secret", () => {
  for (const format of ["json", "pretty"] as const) {
    test(`is in no line, wherever it stands (${format})`, () => {
      const secrets = createSecrets();
      secrets.add(KEY);
      const { log, text } = collect(format, secrets);
      log.info(`the key is ${KEY}.`, {
        plain: KEY,
        deep: { list: [`a${KEY}b`], [KEY]: 1 },
        text: JSON.stringify({ key: KEY }),
        url: `/x?key=${encodeURIComponent(KEY)}`,
        error: new Error(`wrong key ${KEY}`),
      });
      log.access({ id: "i", method: "GET", path: `/${encodeURIComponent(KEY)}`, status: 200, ms: 1, ip: "::1" });
      log.print(`frame: ${KEY}\n`);
      expect(text()).not.toContain("live");
      expect(text().match(/\[redacted\]/g)?.length).toBeGreaterThanOrEqual(8);
    });
  }

  test("is hidden as a number, too", () => {
    const secrets = createSecrets();
    secrets.add("123456");
    const { log, text } = collect("json", secrets);
    log.info("pin", { data: { pin: 123456, other: 1234 } });
    expect(JSON.parse(text())).toMatchObject({ data: { pin: "[redacted]", other: 1234 } });
  });

  test("is hidden whole where another one is a part of it, or begins before it ends", () => {
    const secrets = createSecrets();
    for (const value of ["abcd", "abcdef", "defghi"]) secrets.add(value);
    expect(secrets.redact("x abcdef y")).toBe("x [redacted] y");
    expect(secrets.redact("x abcdefghi y")).toBe("x [redacted] y");
    expect(secrets.redact("x abcd y abcd")).toBe("x [redacted] y [redacted]");
  });

  test("does not hide what says how a line is to be read", () => {
    const secrets = createSecrets();
    secrets.add("info");
    secrets.add("1970");
    const { log, text } = collect("json", secrets);
    log.info("info", { script: "info" });
    expect(JSON.parse(text())).toEqual({
      at: "1970-01-01T00:00:00.000Z",
      level: "info",
      message: "[redacted]",
      script: "info",
    });
  });

  test("is let go of when nobody has it any more", () => {
    const secrets = createSecrets();
    const first = secrets.add("hunter2");
    const second = secrets.add("hunter2");
    first();
    first();
    expect(secrets.redact("hunter2")).toBe("[redacted]");
    second();
    expect(secrets.redact("hunter2")).toBe("hunter2");
  });

  test("of less than four characters is not hidden: nothing would be left of the log", () => {
    const secrets = createSecrets();
    secrets.add("");
    secrets.add("abc");
    expect(secrets.redact("abc")).toBe("abc");
  });

  test("is hidden also where a line escapes what JSON would not", () => {
    for (const escaped of ["\u007f", "\u0085", "\u2028", "\u202e"]) {
      const secret = `key${escaped}word`;
      const secrets = createSecrets();
      secrets.add(secret);
      for (const format of ["json", "pretty"] as const) {
        const { log, text } = collect(format, secrets);
        log.info(`has ${secret}`, { value: secret, data: JSON.stringify({ secret }) });
        log.print(`${secret}\n`);
        expect(text().split("[redacted]")).toHaveLength(5);
        expect(text()).not.toContain("word");
      }
    }
  });

  test("leaves every line one line of JSON, whatever the secret and the data are", () => {
    const text = fc.oneof(fc.string({ unit: "binary", maxLength: 12 }), fc.string({ maxLength: 12 }));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 3 }), text, fc.jsonValue(), (values, around, data) => {
        const secrets = createSecrets();
        for (const value of values) secrets.add(value);
        const { log, text: written } = collect("json", secrets);
        log.info(`${around}${values[0] ?? ""}${around}`, { data, value: values[0] });
        const lines = written().split("\n");
        expect(lines).toHaveLength(2);
        const line = JSON.parse(lines[0] ?? "") as { at: string; value?: string };
        expect(line.at).toBe("1970-01-01T00:00:00.000Z");
        const [value] = values;
        if (value !== undefined && value.length >= 4) expect(line.value).toBe("[redacted]");
      }),
      { numRuns: 500 },
    );
  });
});

test("a script's line never counts as a request, whatever it says", () => {
  const kept: [string, boolean][] = [];
  const scripts = {
    add: (script: string, _chunk: Chunk, requests: boolean): void => void kept.push([script, requests]),
  };
  const log = createLog({ level: "info", format: "pretty", write: () => {}, now: () => 0, scripts });
  log.info("request", { script: "shop", source: "script", data: { kind: "http" } });
  log.info("request", { script: "shop", kind: "http" });
  log.child({ script: "other" }).info("x", { script: "forged" });
  log.info("about nobody");
  expect(kept).toEqual([
    ["shop", false],
    ["shop", true],
    ["other", false],
  ]);
});

test("what is kept of a line is JSON with what only machines read, also where people read the other", () => {
  let kept = "";
  const { log, text } = (() => {
    let out = "";
    const scripts = { add: (_script: string, { text }: Chunk): void => void (kept += text) };
    const made = createLog({
      level: "info",
      format: "pretty",
      write: (more) => void (out += more),
      now: () => 0,
      scripts,
    });
    return { log: made, text: () => (made.flush(), out) };
  })();
  log.at("error", "script error", { script: "shop" }, { error: "boom", line: 3 });
  expect(text()).toBe("00:00:00.000 ERROR script error script=shop\n");
  expect(JSON.parse(kept)).toMatchObject({ message: "script error", script: "shop", error: "boom", line: 3 });
});
