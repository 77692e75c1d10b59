/** A registry over a temporary folder, with a builder that needs no child: a script's text is its routes. */
import { expect } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadConfig, type Config } from "../../../core/config/index.ts";
import type { RouteEntry } from "../../../core/http/router.ts";
import type { Builder, BuildInput } from "../../../core/script/build.ts";
import type { ScriptEvent } from "../../../core/script/entry.ts";
import { Isolates } from "../../../core/pool/isolates.ts";
import type { PointRefusal } from "../../../core/script/point-refusal.ts";
import type { ScriptPool } from "../../../core/pool/pool.ts";
import { Registry } from "../../../core/script/registry.ts";
import { NO_OFFER, type BuildResult, type ScriptBundle } from "../../../core/script/types.ts";
import type { AnyRoute } from "../../../core/script/version.ts";

/** `GET /a, POST /b`. */
function bundleOf({ name, entry, scriptsDir }: BuildInput, text: string): ScriptBundle {
  const routes = text.trim() === "" ? [] : text.split(",");
  return {
    name,
    hash: String(Bun.hash(name + text)),
    form: "module",
    offer: NO_OFFER,
    readCode: () => Promise.resolve({ code: "", map: "" }),
    registrations: routes.map((route, id) => {
      const [method = "", path = ""] = route.trim().split(" ");
      return { id, fn: "registerWebHandler", method, path, options: {}, definitions: {}, schemas: {} };
    }),
    registrationsHash: "",
    inputs: [entry, join(scriptsDir, "_shared/lib.ts")],
  };
}

function healthRoute(): RouteEntry<AnyRoute> {
  const address = { method: "GET", path: "/health/live", owner: "health" };
  return {
    ...address,
    ofPlugin: true,
    value: { info: { ...address, ofPlugin: true, options: {}, schemas: {} }, handle: () => new Response() },
  };
}

/**
 * Before a text `slow:` waits for `gate`, `warn:` warns, `cached:` needs no build; `bad` does not build, and at `throw`
 * the builder itself fails.
 */
export class House implements AsyncDisposable {
  readonly dir = join(mkdtempSync(join(tmpdir(), "awe-registry-")), "scripts");
  readonly events: ScriptEvent[] = [];
  readonly names: string[][] = [];
  readonly built: string[] = [];
  /** A test that takes the folder away empties it. */
  readonly unwatched: Error[] = [];
  cacheFails = false;
  /** Every build of the files as they are is in the cache. */
  allCached = false;
  /** What the plugins say to what scripts register at their points. */
  refusal: PointRefusal | null = null;
  pluginRoutes: readonly RouteEntry<AnyRoute>[] = [healthRoute()];
  /** Of every version that was opened. */
  readonly pools: ScriptPool[] = [];
  #config: Config;
  readonly gate = Promise.withResolvers<void>();
  readonly isolates: Isolates;
  readonly registry: Registry;
  #waiters: (() => void)[] = [];

  constructor(files: Record<string, string>, set: readonly string[] = [], scriptsDir?: string) {
    mkdirSync(this.dir, { recursive: true });
    for (const [path, text] of Object.entries(files)) this.write(path, text);
    this.#config = this.#load(set);
    this.isolates = new Isolates({
      config: () => this.#config.isolates,
      openVessel: () => Promise.reject(new Error("no isolate here")),
      deps: {} as ConstructorParameters<typeof Isolates>[0]["deps"],
      events: { onKill() {}, onPause() {}, onLoadFailure() {}, onSpareFailure() {}, onFault() {} },
    });
    const open = this.isolates.open.bind(this.isolates);
    this.isolates.open = (script) => {
      const pool = open(script);
      this.pools.push(pool);
      return pool;
    };
    const tell = (): void => this.#waiters.splice(0).forEach((wake) => wake());
    const read = (input: BuildInput): string => readFileSync(input.entry, "utf8");
    const builder: Builder = {
      build: async (input): Promise<BuildResult> => {
        this.built.push(input.name);
        let text: string;
        try {
          text = read(input);
        } catch {
          return { ok: false, problems: [{ code: "script_failed", message: "gone" }] };
        }
        if (text.startsWith("slow:")) await this.gate.promise;
        text = text.replace(/^slow:/, "");
        if (text === "throw") throw new Error("the builder is ill");
        if (text === "bad") return { ok: false, problems: [{ code: "script_failed", message: "bad text" }] };
        const warnings = text.startsWith("warn:") ? [{ code: "unused_schema" as const, message: "look at it" }] : [];
        return { ok: true, bundle: bundleOf(input, text.replace(/^warn:/, "")), warnings };
      },
      cached: async (input) => {
        if (this.cacheFails) throw new Error("EACCES");
        const text = read(input);
        return this.allCached || text.startsWith("cached:") ? bundleOf(input, text.replace(/^cached:/, "")) : null;
      },
      forget() {},
      dispose: () => Promise.resolve(),
    };
    const current = (): Config => this.#config;
    this.registry = new Registry({
      get config() {
        return current();
      },
      scriptsDir: scriptsDir ?? this.dir,
      builder,
      isolates: this.isolates,
      takePoints: () => this.refusal,
      answerPoint: () => new Response(null),
      pluginRoutes: () => this.pluginRoutes,
      onEvent: (event) => {
        this.events.push(event);
        tell();
      },
      onNames: (names) => void this.names.push([...names]),
      onUnwatched: (error) => void this.unwatched.push(error),
    });
  }

  #load(set: readonly string[]): Config {
    return loadConfig({ dir: dirname(this.dir), set: ["isolates.spare=0", ...set], flags: {} });
  }

  /** As when the config file changes. */
  reconfigure(set: readonly string[]): void {
    this.#config = this.#load(set);
    this.registry.reconfigure();
  }

  async start(patienceMs = 5000): Promise<this> {
    this.registry.watch();
    await this.registry.start(patienceMs);
    return this;
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.dir, path)), { recursive: true });
    writeFileSync(join(this.dir, path), text);
  }

  /** The script that answers, or null. */
  owner(method: string, path: string): string | null {
    const found = this.registry.routes.find(method, path);
    return found && "value" in found && "script" in found.value ? (found.value.script ?? null) : null;
  }

  /** The scripts of which a version serves: what it said last of each. */
  get serving(): readonly string[] {
    const last = new Map<string, boolean>();
    for (const event of this.events) {
      if (event.kind === "loaded" || event.kind === "reloaded") last.set(event.script, true);
      if (event.kind === "removed" || (event.kind === "failed" && !event.serving)) last.set(event.script, false);
    }
    return [...last].filter(([, serves]) => serves).map(([name]) => name);
  }

  problemOf(name: string): string | undefined {
    return this.registry.status.find((one) => one.name === name)?.problem?.message;
  }

  /** Resolves when the registry has looked at the folder once more: a script that was not there before is served. */
  async look(): Promise<void> {
    const name = `look-${this.events.length}`;
    this.write(`${name}.ts`, `cached:GET /${name}`);
    await this.event("loaded", name);
  }

  /** Resolves when an event of that kind and script comes after those seen before `since`. */
  async event(kind: ScriptEvent["kind"], script: string, since = 0): Promise<ScriptEvent> {
    for (;;) {
      const found = this.events.slice(since).find((one) => one.kind === kind && one.script === script);
      if (found) return found;
      const next = Promise.withResolvers<void>();
      this.#waiters.push(next.resolve);
      const late = setTimeout(
        () => next.reject(new Error(`no ${kind} of ${script}: ${JSON.stringify(this.events)}`)),
        3000,
      );
      await next.promise;
      clearTimeout(late);
    }
  }

  /** Every version that serves has its pool, and every other one has given it back. */
  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.pools.filter(({ retired }) => !retired).map(({ script }) => script.name);
    expect(open.toSorted()).toEqual(this.serving.toSorted());
    expect(this.unwatched).toEqual([]);
    this.registry.close();
    await this.isolates.dispose();
    rmSync(dirname(this.dir), { recursive: true, force: true });
  }
}
