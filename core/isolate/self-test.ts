/** Probes the known leaks of this build's realm (docs/threat-model.md); the engine refuses to serve when one is open. */
import { LOADED } from "./frames.ts";
import type { ScriptMeta } from "./realm/script.ts";
import { openRealm } from "./realm-host.ts";

/** Runs in a realm as a script would. Each leak that is open becomes a registration of that name. */
const PROBES = `
const leak = (name) => registerWebHandler("/" + name, () => "");
const compiles = (value) => {
  try { return typeof value.constructor.constructor("return 1") === "function"; } catch { return false; }
};
function init() {
  for (const name of ["Bun", "process", "require", "ShadowRealm", "WebAssembly", "SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry", "Buffer"]) {
    if (name in globalThis) leak("global-" + name);
  }
  for (const make of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    if (compiles({ constructor: make })) leak("code-from-strings");
  }
  try { Error.prepareStackTrace = (error, sites) => { if (compiles(sites)) leak("stack-trace-sites"); return ""; }; } catch {}
  try { Object.defineProperty(Error, "prepareStackTrace", { value: () => { leak("stack-trace-hook"); } }); } catch {}
  try { null.x; } catch (error) { String(error.stack); }
  class Child extends Error {}
  Object.defineProperty(Child, "prepareStackTrace", { value: (error, sites) => { if (compiles(sites)) leak("stack-trace-inherited"); return ""; } });
  String(new Child("x").stack);
  const deep = (depth) => { try { return deep(depth + 1); } catch (error) { if (compiles(error)) leak("stack-limit"); return depth; } };
  deep(0);
  const atLimit = () => { try { atLimit(); } catch { try { setTimeout(1); } catch (error) { if (compiles(error)) leak("stack-limit-host"); } } };
  atLimit();
  return import("node:fs").then(() => leak("import"), (error) => { if (!(error instanceof TypeError) || compiles(error)) leak("import-rejection"); });
}
`;

/** Names of the leaks that are open; empty in a sound build. */
export function selfTest(): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const realm = openRealm((type, _id, _a, text) => {
      if (type !== LOADED) return;
      realm.close();
      resolve(readReport(text));
    });
    const meta: ScriptMeta = {
      name: "self-test",
      version: "",
      form: "classic",
      map: "",
      config: {},
      services: {},
      points: {},
      limits: {},
      dev: false,
    };
    const code = `${PROBES}\nexpose({ init });`;
    const refused = realm.load({ name: "self-test", form: "classic", code, meta: JSON.stringify(meta) });
    if (refused !== null) resolve([refused]);
  });
}

function readReport(text: string): readonly string[] {
  const report = JSON.parse(text) as { ok: boolean; registrations?: string; failure?: { message: string } };
  if (!report.ok) return [`the probes did not run: ${report.failure?.message ?? "no reason given"}`];
  const found = JSON.parse(report.registrations ?? "[]") as { path: string }[];
  return found.map(({ path }) => path.slice(1));
}
