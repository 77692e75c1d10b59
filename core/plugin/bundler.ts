/** The engine's helper process for plugins: bundles a dropped one, and compiles the schema of its config. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { codeFrame } from "../isolate/build/code-frame.ts";
import { compileDefinition } from "../isolate/build/schemas.ts";
import { PROVIDED } from "./bundle.ts";
import type { JsonSchema } from "../script/types.ts";

/** What it is asked, as JSON on standard input; it answers on standard output and ends. */
export type BundlerRequest =
  { readonly kind: "bundle"; readonly entry: string } | { readonly kind: "schema"; readonly definition: unknown };

export interface BundlerFault {
  readonly message: string;
  /** Absolute. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly frame?: string;
}

export type BundlerAnswer =
  | {
      readonly ok: true;
      readonly code: string;
      readonly map: string;
      /** Absolute: every file that went in. */
      readonly inputs: readonly string[];
    }
  | { readonly ok: true; readonly schema: JsonSchema }
  | { readonly ok: false; readonly faults: readonly BundlerFault[] };

/** `--plugin-builder`. A process of its own, so that bundler and compiler leave no memory behind in the engine. */
export async function runBundler(): Promise<void> {
  const request = JSON.parse(await Bun.stdin.text()) as BundlerRequest;
  const answer = request.kind === "bundle" ? await bundle(request.entry) : await compile(request.definition);
  await Bun.write(Bun.stdout, JSON.stringify(answer));
}

async function bundle(entry: string): Promise<BundlerAnswer> {
  // Paths of the result are relative to where the bundler runs.
  process.chdir(dirname(entry));
  try {
    const result = await Bun.build({
      entrypoints: [entry],
      target: "bun",
      format: "cjs",
      external: PROVIDED,
      sourcemap: "external",
      metafile: true,
    });
    const code = result.outputs.find(({ kind }) => kind === "entry-point");
    const map = result.outputs.find(({ kind }) => kind === "sourcemap");
    const inputs = Object.keys(result.metafile?.inputs ?? {}).map((path) => resolve(path));
    if (code === undefined) return { ok: false, faults: [{ message: "the bundler gave no code" }] };
    return { ok: true, code: await code.text(), map: (await map?.text()) ?? "", inputs };
  } catch (error) {
    const faults = error instanceof AggregateError ? error.errors : [error];
    return { ok: false, faults: faults.map(describe) };
  }
}

interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly lineText: string;
}

function describe(error: unknown): BundlerFault {
  const message = error instanceof Error ? error.message : String((error as { message?: unknown }).message ?? error);
  const position = (error as { readonly position?: Position | null }).position;
  if (!position) return { message };
  const { file, line, column, lineText } = position;
  const path = resolve(file);
  return { message, file: path, line, column, frame: frameOf(path, line, column) ?? lineText };
}

function frameOf(path: string, line: number, column: number): string | undefined {
  try {
    return codeFrame(readFileSync(path, "utf8"), line, column) || undefined;
  } catch {
    return undefined; // the file is gone: the bundler's own line is shown
  }
}

async function compile(definition: unknown): Promise<BundlerAnswer> {
  try {
    return { ok: true, schema: await compileDefinition(withFunctions(definition)) };
  } catch (error) {
    return { ok: false, faults: [{ message: error instanceof Error ? error.message : String(error) }] };
  }
}

/** Defaults that came as data are functions again, as arktype wants those that are objects. */
function withFunctions(definition: unknown): unknown {
  if (typeof definition !== "object" || definition === null) return definition;
  if (!Array.isArray(definition)) {
    return Object.fromEntries(Object.entries(definition).map(([key, value]) => [key, withFunctions(value)]));
  }
  const [inner, word, value] = definition as readonly unknown[];
  if (word !== "=" || definition.length !== 3) return definition.map(withFunctions);
  return [withFunctions(inner), word, typeof value === "object" && value !== null ? () => value : value];
}
