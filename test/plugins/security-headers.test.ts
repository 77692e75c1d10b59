/** Careful by default, a script's own word last, each header replaceable, and nothing on answers that it does not concern. */
import { afterEach, describe, expect, test } from "bun:test";
import securityHeaders from "../../plugins/security-headers.ts";
import { serve, type Served } from "./harness.ts";

const TLS = "https://app.example";
let served: Served | undefined;

afterEach(async () => {
  await served?.close();
  served = undefined;
});

async function start(headers: Record<string, string>, config: object = {}, later = false): Promise<Served> {
  const answer = (): Response => new Response("body", { headers });
  served = await serve([securityHeaders], {
    config: { "security-headers": config },
    answer: later ? async () => answer() : answer,
  });
  return served;
}

async function headersOf(
  headers: Record<string, string>,
  { config = {}, origin = "http://app.example", later = false } = {},
): Promise<Record<string, string>> {
  const { ask } = await start(headers, config, later);
  const answer = await ask("/", { origin });
  return Object.fromEntries(answer.headers);
}

const ON_HTML = {
  "content-security-policy": "frame-ancestors 'self'; base-uri 'self'; object-src 'none'",
  "cross-origin-opener-policy": "same-origin-allow-popups",
  "referrer-policy": "strict-origin-when-cross-origin",
  "x-frame-options": "SAMEORIGIN",
};

describe("defaults", () => {
  test("JSON and text get one header", async () => {
    for (const type of ["application/json", "text/plain;charset=utf-8", "image/svg+xml"]) {
      expect(await headersOf({ "content-type": type })).toEqual({
        "content-type": type,
        "x-content-type-options": "nosniff",
      });
    }
  });

  test("HTML gets what concerns pages, however its type is written and whenever it comes", async () => {
    for (const type of ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"]) {
      for (const later of [false, true]) {
        expect(await headersOf({ "content-type": type }, { later })).toEqual({
          "content-type": type,
          "x-content-type-options": "nosniff",
          ...ON_HTML,
        });
      }
    }
  });

  test("HSTS goes out over TLS only, and not for the machine's own names", async () => {
    const hsts = "strict-transport-security";
    expect((await headersOf({}, { origin: TLS }))[hsts]).toBe("max-age=31536000");
    expect((await headersOf({}))[hsts]).toBeUndefined();
    for (const origin of ["https://localhost:8443", "https://app.localhost"]) {
      expect((await headersOf({}, { origin }))[hsts]).toBeUndefined();
    }
    expect((await headersOf({}, { origin: "https://notlocalhost" }))[hsts]).toBeDefined();
  });
});

describe("who decides", () => {
  test("what a script set stays", async () => {
    const own = {
      "content-type": "text/html",
      "content-security-policy": "default-src 'none'",
      "cross-origin-opener-policy": "unsafe-none",
      "referrer-policy": "no-referrer",
      "strict-transport-security": "max-age=0",
      "x-content-type-options": "sniff",
      "x-frame-options": "DENY",
    };
    expect(await headersOf(own, { origin: TLS })).toEqual(own);
  });

  test("each header is replaced by config, and left out where config has an empty text", async () => {
    const config = {
      contentTypeOptions: "",
      contentSecurityPolicy: "default-src 'self'",
      frameOptions: "",
      referrerPolicy: "no-referrer",
      openerPolicy: "",
      transportSecurity: "max-age=60",
    };
    expect(await headersOf({ "content-type": "text/html" }, { config, origin: TLS })).toEqual({
      "content-type": "text/html",
      "content-security-policy": "default-src 'self'",
      "referrer-policy": "no-referrer",
      "strict-transport-security": "max-age=60",
    });
  });

  test("a value that would make two headers is refused, and names the header", async () => {
    const said = await start({}, { frameOptions: "DENY\r\nset-cookie: a=b" }).then(
      () => "it started",
      (error: unknown) => String(error),
    );
    expect(said).toContain('"security-headers" could not be set up');
    expect(said.toLowerCase()).toContain("x-frame-options");
  });
});
