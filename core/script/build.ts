/** Builds scripts in jailed children and keeps the results: the engine itself never reads a script as code. */
import { realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import { readRegular, type EntrySource } from "../isolate/build/files.ts";
import type { Harness } from "../isolate/build/messages.ts";
import { Refusal, capital } from "../isolate/build/refusal.ts";
import { CAPS, SHARED, isInside, type BuildScope } from "../isolate/build/scope.ts";
import { BadAnswer, checkBuilt, checkFailed } from "./build-answer.ts";
import { createBuilders, type Builders } from "./builders.ts";
import { hashEntry, newEntry, openCache, sha256, type CacheKey, type Entry } from "./cache.ts";
import type { Spawner } from "../process/spawner.ts";
import {
  NO_OFFER,
  type BuildProblem,
  type BuildResult,
  type Json,
  type Offer,
  type ScriptBundle,
  type ScriptCode,
} from "./types.ts";

export interface BuildInput {
  readonly name: string;
  /** Absolute. */
  readonly entry: string;
  /** Absolute: the folder of a folder script, or the scripts folder for a single-file script. */
  readonly root: string;
  readonly scriptsDir: string;
  readonly config: Json;
  /** The script's limits, which it can read while it loads. */
  readonly limits?: { readonly [name: string]: number };
  /** Builds it with a door for the runner of tests, and with these test files; paths relative to the folder of scripts. */
  readonly tests?: readonly string[];
}

export interface Builder {
  /** Never rejects: what is wrong with the script is a problem. */
  build(input: BuildInput): Promise<BuildResult>;
  /** The last build, if nothing that it depends on has changed; costs a few file look-ups. */
  cached(input: BuildInput): Promise<ScriptBundle | null>;
  /** The script was removed: ends its builder and deletes its builds. */
  forget(name: string): void;
  dispose(): Promise<void>;
}

export interface BuilderOptions {
  readonly spawner: Spawner;
  /** `data/cache`. */
  readonly cacheDir: string;
  readonly engineVersion: string;
  /** What plugins give to scripts now; another one makes another build of every script. */
  readonly offer?: () => Offer;
  /** For one build: bundling, loading and compiling schemas. */
  readonly timeoutMs?: number;
  readonly memoryBytes?: number;
}

const TIMEOUT_MS = 5000;
const MEMORY_BYTES = 512 * 1024 * 1024;

/** The same object for as long as no plugin changes: a thousand scripts need its hash at the start. */
const hashes = new WeakMap<Offer, string>();

function hashOf(offer: Offer): string {
  const known = hashes.get(offer) ?? sha256(JSON.stringify([offer.services, offer.points, offer.objects]));
  hashes.set(offer, known);
  return known;
}

export function createBuilder(options: BuilderOptions): Builder {
  const { spawner, cacheDir, engineVersion, offer: offerNow = () => NO_OFFER } = options;
  const { timeoutMs = TIMEOUT_MS, memoryBytes = MEMORY_BYTES } = options;
  const builders: Builders = createBuilders(spawner, { timeoutMs, memoryBytes });
  const cache = openCache(cacheDir);
  /** Said by `cached`, which can only answer a bundle; handed on by the build that follows. */
  const broken = new Map<string, string>();

  const keyOf = (input: BuildInput, offer: Offer): CacheKey => ({
    name: input.name,
    entry: input.entry.slice(input.scriptsDir.length + 1),
    engine: engineVersion,
    bun: Bun.version,
    config: input.config,
    limits: input.limits ?? {},
    offer: hashOf(offer),
  });

  const bundleOf = (
    input: BuildInput,
    offer: Offer,
    [hash, entry]: readonly [hash: string, entry: Entry],
    held: ScriptCode | null,
  ): ScriptBundle => ({
    name: input.name,
    hash,
    form: entry.form,
    offer,
    readCode: () => (held ? Promise.resolve(held) : readOrRebuild(input, offer, hash, entry)),
    registrations: entry.registrations,
    registrationsHash: entry.registrationsHash,
    ...(input.tests && { testing: true }),
    inputs: entry.inputs
      .filter((one) => one.size >= 0 && !one.path.endsWith("/"))
      .map((one) => `${input.scriptsDir}/${one.path}`),
  });

  /** The cache was emptied or damaged under a running engine: the same files give the same code. */
  const readOrRebuild = async (input: BuildInput, offer: Offer, hash: string, entry: Entry): Promise<ScriptCode> => {
    const code = await cache.readCode(hash, entry);
    if (code !== null) return code;
    const again = await build(input, offer);
    if (again.ok && again.bundle.hash === hash) {
      const rebuilt = await again.bundle.readCode();
      if (sha256(rebuilt.code) === entry.codeHash) return rebuilt;
    }
    throw new Error(
      `The build of "${input.name}" is gone from ${cacheDir}, and its files have changed since: save the script to load it again.`,
    );
  };

  const build = async (input: BuildInput, offer = offerNow()): Promise<BuildResult> => {
    let scope: BuildScope;
    let source: EntrySource | undefined;
    let harness: Harness | undefined;
    try {
      scope = scopeOf(input);
      source = scope.single ? readRegular(scope.entry, basename(scope.entry)) : undefined;
      harness = input.tests && readHarness(scope, input.tests);
    } catch (error) {
      return { ok: false, problems: [unreadable(error, input)] };
    }
    const request = {
      scope,
      config: input.config,
      limits: input.limits ?? {},
      offer,
      entryMtimeMs: source?.mtimeMs ?? 0,
      ...(harness && { harness }),
    };
    const answer = await builders.build(request, source?.bytes);
    if (answer.kind === "ended") return { ok: false, problems: [answer.problem] };
    try {
      if (answer.kind === "failed") return { ok: false, problems: checkFailed(answer.text) };
      const allowed = (path: string): boolean => input.tests?.includes(path) === true || mayName(scope, path);
      const { form, reported, registrations, inputs, warnings } = checkBuilt(answer.text, allowed, offer.points);
      if (answer.code.length > CAPS.codeBytes * 3 || answer.map.length > CAPS.mapBytes)
        throw new BadAnswer("a bundle over its cap");
      const entry = newEntry({
        key: keyOf(input, offer),
        form,
        registrations,
        registrationsHash: sha256(reported),
        codeHash: sha256(answer.code),
        mapHash: sha256(answer.map),
        inputs,
      });
      const hash = hashEntry(entry);
      const failure = cache.keep(hash, entry, answer.code, answer.map);
      const held = failure === null ? null : { code: answer.code.toString("utf8"), map: answer.map.toString("utf8") };
      const said = [...warnings, ...cacheWarnings(input.name, broken.get(input.name), failure, cacheDir)];
      broken.delete(input.name);
      return { ok: true, bundle: bundleOf(input, offer, [hash, entry], held), warnings: said };
    } catch (error) {
      if (!(error instanceof BadAnswer)) throw error;
      builders.drop(input.name);
      return { ok: false, problems: [tampered(input.name, error.message)] };
    }
  };

  const cached = async (input: BuildInput): Promise<ScriptBundle | null> => {
    const offer = offerNow();
    const found = cache.find(keyOf(input, offer), input.scriptsDir);
    if (found.kind !== "miss") builders.know(input.name);
    if (found.kind === "hit") return bundleOf(input, offer, [found.hash, found.entry], null);
    if (found.kind === "broken") broken.set(input.name, found.reason);
    return null;
  };

  const forget = (name: string): void => {
    builders.forget(name);
    broken.delete(name);
    cache.remove(name);
  };

  return { build: (input) => build(input), cached, forget, dispose: () => builders.dispose() };
}

/** Throws a `Refusal` when the script's own place is a link to somewhere else. */
function scopeOf({ name, entry, root, scriptsDir }: BuildInput): BuildScope {
  const single = root === scriptsDir;
  const realDir = realpathSync(scriptsDir);
  const realRoot = single ? realDir : `${realDir}/${basename(root)}`;
  if (!single && realpathSync(root) !== realRoot) {
    throw new Refusal(
      `the folder of the script "${name}" is a link`,
      "Put the folder itself into the folder of scripts.",
    );
  }
  if (dirname(entry) !== root)
    throw new Refusal(`the script "${name}" does not begin in its own folder`, "Name it index.ts there.");
  return { name, entry: `${realRoot}/${basename(entry)}`, root: realRoot, scriptsDir: realDir, single };
}

/** A test is sent with the request, which has room for the script and little more. */
const MAX_TEST_CHARACTERS = 1024 * 1024;

/** @throws Refusal, or what the file system says. */
function readHarness({ scriptsDir, single }: BuildScope, tests: readonly string[]): Harness {
  if (!single) return { files: tests.map((path) => ({ path })) };
  const files = tests.map((path) => {
    const text = new TextDecoder().decode(readRegular(`${scriptsDir}/${path}`, path).bytes);
    if (text.length <= MAX_TEST_CHARACTERS) return { path, text };
    throw new Refusal(`"${path}" has ${text.length} characters; a test may have ${MAX_TEST_CHARACTERS}`, "Split it.");
  });
  return { files };
}

/** What a build of this script can have read, by path relative to the folder of scripts. */
function mayName(scope: BuildScope, path: string): boolean {
  const parts = path.replace(/\/$/, "").split("/"); // a list of files ends in a slash
  if (path.startsWith("/") || parts.some((part) => part === ".." || part === "." || part === "")) return false;
  const full = `${scope.scriptsDir}/${path}`;
  if (full === scope.entry || isInside(full, `${scope.scriptsDir}/${SHARED}`)) return true;
  return isInside(full, scope.single ? `${scope.root}/node_modules` : scope.root);
}

function unreadable(error: unknown, input: BuildInput): BuildProblem {
  const file = input.entry.slice(input.scriptsDir.length + 1);
  if (error instanceof Refusal)
    return { code: error.code, message: capital(`${error.message}.`), file, hint: error.hint };
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ELOOP") {
    return {
      code: "import_refused",
      message: `"${file}" is a link.`,
      file,
      hint: "Put the file itself into the folder of scripts.",
    };
  }
  return {
    code: "script_failed",
    message: `"${file}" cannot be read: ${message}.`,
    file,
    hint: "Check that it exists and its permissions.",
  };
}

function cacheWarnings(
  name: string,
  damaged: string | undefined,
  failure: string | null,
  cacheDir: string,
): BuildProblem[] {
  const warnings: BuildProblem[] = [];
  if (damaged !== undefined) warnings.push({ code: "internal", message: capital(`${damaged}.`) });
  if (failure !== null) {
    warnings.push({
      code: "internal",
      message: `The build of "${name}" could not be kept: ${failure}.`,
      hint: `Free space in ${cacheDir} or make it writable; until then the script is built at each start.`,
    });
  }
  return warnings;
}

function tampered(name: string, what: string): BuildProblem {
  return {
    code: "script_failed",
    message: `The builder of the script "${name}" answered with ${what}, and was ended.`,
    hint: "The script tampered with its builder, or the engine has a fault: look at what the script runs at its top level.",
  };
}
