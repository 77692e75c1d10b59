/** CORS as the Fetch standard has it, and what stays closed. */
import { afterEach, describe, expect, test } from "bun:test";
import cors from "../../plugins/cors.ts";
import { definePlugin } from "../../sdk/plugin.ts";
import { serve, type Served, type ServeOptions } from "./harness.ts";

const APP = "https://app.example";
let served: Served | undefined;

afterEach(async () => {
  await served?.close();
  served = undefined;
});

async function start(config: object, answer?: ServeOptions["answer"]): Promise<Served> {
  served = await serve([cors], { config: { cors: config }, answer: answer ?? (() => Response.json("secret")) });
  return served;
}

async function refusal(config: object): Promise<string> {
  return start(config).then(
    () => "it started",
    (error: unknown) => String(error),
  );
}

const granted = ({ headers }: Response): string[] => [...headers.keys()].filter((name) => name.startsWith("access-"));
const preflight = (origin: string): RequestInit => ({
  method: "OPTIONS",
  headers: { origin, "access-control-request-method": "PUT", "access-control-request-headers": "content-type" },
});

test("trusts pages with cookies only by name, and only where they may send them", async () => {
  const trusted = async (config: object): Promise<readonly boolean[]> => {
    let trusts = (_origin: string): boolean => true;
    const probe = definePlugin({
      name: "probe",
      version: "1.0.0",
      requires: ["cors"],
      setup: ({ use }) => void ({ trusts } = use("cors")),
    });
    await served?.close();
    served = await serve([cors, probe], { config: { cors: config } });
    return [APP, "https://app.example.evil.example", "null", "*"].map((origin) => trusts(origin));
  };
  expect(await trusted({ origins: [APP], credentials: true })).toEqual([true, false, false, false]);
  expect(await trusted({ origins: [APP] })).toEqual([false, false, false, false]);
  expect(await trusted({ origins: ["*"] })).toEqual([false, false, false, false]);
  expect(await trusted({})).toEqual([false, false, false, false]);
});

describe("closed", () => {
  test("without origins nothing is granted, and no request passes through the plugin", async () => {
    const { ask, host } = await start({});
    expect(host.current.chains.request).toBeNull();
    const answer = await ask("/", { headers: { origin: APP } });
    expect(granted(answer)).toEqual([]);
    expect(answer.headers.get("vary")).toBeNull();
  });

  test("another origin gets no grant: not by case, port, suffix, prefix, subdomain or null", async () => {
    const { ask } = await start({ origins: [APP] });
    for (const origin of [
      "https://evil.example",
      "https://APP.example",
      "https://app.example:8443",
      "http://app.example",
      "https://app.example.evil.example",
      "https://evilapp.example",
      "https://sub.app.example",
      "https://app.example/",
      `${APP}, ${APP}`,
      "null",
      "*",
      "",
    ]) {
      for (const init of [{ headers: { origin } }, preflight(origin)]) {
        const answer = await ask("/", init);
        expect([origin, granted(answer)]).toEqual([origin, []]);
        expect(answer.headers.get("vary")).toBe("Origin");
      }
    }
  });

  test("credentials with * are refused, and the sentence says what to write", async () => {
    const expected = 'a browser takes no "*" together with credentials; name each origin, method and header';
    expect(await refusal({ origins: ["*"], credentials: true })).toContain(expected);
    expect(await refusal({ origins: [APP], allowHeaders: ["*"], credentials: true })).toContain(expected);
  });

  test("an origin that no browser sends is refused, null too", async () => {
    for (const origin of [
      "null",
      "app.example",
      "https://app.example/",
      "https://app.example:443",
      "https://App.example",
      "https://*.example",
      "https://user@app.example",
      "",
    ]) {
      expect(await refusal({ origins: [APP, origin] })).toContain(`origins holds "${origin}", which no browser sends`);
    }
  });
});

describe("open", () => {
  test("a listed origin may read the answer, and caches are told that it depends on the origin", async () => {
    const { ask } = await start({ origins: [APP, "capacitor://localhost"] });
    const { headers } = await ask("/", { headers: { origin: APP } });
    expect(headers.get("access-control-allow-origin")).toBe(APP);
    expect(headers.get("access-control-expose-headers")).toBe("x-request-id");
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    expect(headers.get("vary")).toBe("Origin");
    const own = await ask("/");
    expect(granted(own)).toEqual([]);
    expect(own.headers.get("vary")).toBe("Origin");
  });

  test("* is the same answer for everybody, so nothing varies", async () => {
    const { ask } = await start({ origins: ["*"] });
    for (const init of [{ headers: { origin: APP } }, {}]) {
      const { headers } = await ask("/", init);
      expect(headers.get("access-control-allow-origin")).toBe("*");
      expect(headers.get("vary")).toBeNull();
    }
  });

  test("a preflight is answered before any route, with what may be sent and for how long", async () => {
    const { ask } = await start({ origins: [APP], credentials: true, maxAgeSeconds: 60, methods: ["PUT"] }, () => {
      throw new Error("it reached the route");
    });
    const answer = await ask("/nowhere", preflight(APP));
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(answer.headers)).toEqual({
      "access-control-allow-origin": APP,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "PUT",
      "access-control-allow-headers": "authorization, content-type",
      "access-control-max-age": "60",
      vary: "Origin",
    });
  });

  test("an OPTIONS request that is no preflight reaches its route", async () => {
    const { ask } = await start({ origins: [APP] }, () => new Response(null, { headers: { allow: "GET" } }));
    for (const name of ["origin", "access-control-request-method"]) {
      const answer = await ask("/", { method: "OPTIONS", headers: { [name]: APP } });
      expect(answer.headers.get("allow")).toBe("GET");
    }
  });

  test("failures are readable as well, later answers too, and a Vary of the script stays", async () => {
    const { ask } = await start({ origins: [APP] }, async () =>
      Response.json({}, { status: 500, headers: { vary: "accept" } }),
    );
    const answer = await ask("/", { headers: { origin: APP } });
    expect(answer.status).toBe(500);
    expect(answer.headers.get("access-control-allow-origin")).toBe(APP);
    expect(answer.headers.get("vary")).toBe("accept, Origin");
  });

  test("what a script itself grants is not overwritten", async () => {
    const { ask } = await start({ origins: [APP], credentials: true }, () =>
      Response.json({}, { headers: { "access-control-allow-origin": "https://partner.example" } }),
    );
    const answer = await ask("/", { headers: { origin: APP } });
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://partner.example");
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
  });
});
