/**
 * Compiles eta templates (https://eta.js.org) to modules, as text: eta finds the tags, acorn proves that what stands between
 * them is one strict function. Nothing of a template is ever run here.
 */
import { parse, type Node, type Program } from "acorn";
import { posix } from "node:path";
import type { BuildProblem } from "../../script/types.ts";
import { codeFrame, positionAt } from "./code-frame.ts";
import { TEMPLATE_ENDING } from "./list.ts";
import { capital, shown } from "./refusal.ts";

const RUNTIME = "@aiwebengine/sdk/templates";

/** A piece of the compiled module that is the author's own text. */
interface Piece {
  /** Offset in the module of the statement that it became, and of the author's part of that. */
  readonly statement: number;
  readonly made: number;
  /** Offset in the template. */
  readonly source: number;
  readonly length: number;
}

export interface CompiledTemplate {
  readonly code: string;
  readonly source: string;
  /** In the order of the module. */
  readonly pieces: readonly Piece[];
  /** What it includes, as its module imports it → where in the template it says so. */
  readonly includes: ReadonlyMap<string, number>;
}

/** What is wrong with a template; the builder tells it as it is. */
export class TemplateProblem extends Error {
  constructor(readonly problem: BuildProblem) {
    super(problem.message);
  }
}

/** @param file relative to the folder of scripts: `site/templates/page.eta` @throws TemplateProblem */
export async function compileTemplate(file: string, source: string): Promise<CompiledTemplate> {
  const { head, body } = await write(file, source);
  const draft = place(head([]), body);
  const fail = (message: string, hint: string, at: number): never => {
    const { line, column } = positionAt(source, toSource(draft.pieces, at));
    throw new TemplateProblem({
      code: "script_failed",
      message,
      file,
      line,
      column,
      frame: codeFrame(source, line, column),
      hint,
    });
  };
  let program: Program;
  try {
    program = parse(draft.code, { ecmaVersion: "latest", sourceType: "module" });
  } catch (error) {
    const { pos = 0, message } = error as { pos?: number; message: string };
    const said = message.replace(/ \(\d+:\d+\)$/, "");
    return fail(`The template does not compile: ${shown(said)}.`, HINT, pos);
  }
  const names = new Set<string>();
  const includes = new Map<string, number>();
  for (const { name, at, fn } of inclusions(program)) {
    if (name === undefined) {
      return fail(
        `\`${fn}\` is called with a name that is known only at run time.`,
        `Write the name as a string: ${fn}("./row"). To choose, put an if around each.`,
        at,
      );
    }
    names.add(name);
    includes.set(specifierOf(file, name), toSource(draft.pieces, at));
  }
  return { ...place(head([...names]), body), source, includes };
}

/** The module that hands templates to `render`, each by its name: the path below `templates/` without the ending. */
export function registrySource(files: readonly string[]): string {
  const imports = files.map((file, i) => `import $${i} from ${JSON.stringify(`aiwebengine:template/${file}`)};\n`);
  const names = files.map((file, i) => `${JSON.stringify(file.slice(0, -TEMPLATE_ENDING.length))}: $${i}`);
  return `import { defineTemplates } from "${RUNTIME}";\n${imports.join("")}defineTemplates({ ${names.join(", ")} });\n`;
}

const HINT = "Between <% and %> stands JavaScript without imports and await; data comes as `it`.";

interface Chunk {
  readonly text: string;
  /** Where the author's part of it begins in the template, and in `text`. */
  readonly source?: number;
  readonly inset?: number;
  readonly length?: number;
}

/** The module's first lines for the templates that it includes, and the rest of it in chunks. */
async function write(
  file: string,
  source: string,
): Promise<{ head: (includes: readonly string[]) => string; body: readonly Chunk[] }> {
  const head = (includes: readonly string[]): string => {
    const lines = includes.map((name, i) => `import $${i} from ${JSON.stringify(specifierOf(file, name))};\n`);
    const known = includes.map((name, i) => `${JSON.stringify(name)}: () => $${i}`).join(", ");
    return `import { template as $template } from "${RUNTIME}";\n${lines.join("")}export default $template(${JSON.stringify(file)}, {${known}}, ($, it, include, layout, block, capture, output) => {\n`;
  };
  const body: Chunk[] = [];
  let at = 0;
  for (const part of await readTags(file, source)) {
    if (typeof part === "string") {
      // eta has escaped it for single quotes.
      body.push({ text: `$.add('${part}');\n` });
      continue;
    }
    // No text holds an opening, so the next one is this tag's.
    const open = /<%[-_]?\s*[=~]?\s*/g;
    open.lastIndex = source.indexOf("<%", at);
    open.exec(source);
    const start = open.lastIndex;
    at = start + part.val.length;
    const before = part.t === "i" ? "$.text=" : part.t === "r" ? "$.html=" : "";
    const text = `${before}${part.val}${before === "" ? "" : ";"}\n`;
    body.push({ text, source: start, inset: before.length, length: part.val.length });
  }
  body.push({ text: "});\n" });
  return { head, body };
}

type Tags = readonly (string | { readonly t: string; readonly val: string })[];

async function readTags(file: string, source: string): Promise<Tags> {
  const { Eta } = await import("eta/core");
  try {
    return new Eta().parse(source);
  } catch (error) {
    const { message } = error as Error;
    const [, said = "it cannot be read", row = "1", place = "1"] = /^(.*) at line (\d+) col (\d+)/.exec(message) ?? [];
    const [line, column] = [Number(row), Number(place)];
    throw new TemplateProblem({
      code: "script_failed",
      message: capital(`the template does not compile: ${shown(said)}.`),
      file,
      line,
      column,
      frame: codeFrame(source, line, column),
      hint: "Close each <% with %>, and each string and comment inside.",
    });
  }
}

function place(head: string, body: readonly Chunk[]): Pick<CompiledTemplate, "code" | "pieces"> {
  const pieces: Piece[] = [];
  let code = head;
  for (const { text, source, inset = 0, length = 0 } of body) {
    if (source !== undefined) pieces.push({ statement: code.length, made: code.length + inset, source, length });
    code += text;
  }
  return { code, pieces };
}

/** `./row` and `../row` lie beside the template; any other name is one of the nearest folder called `templates`. */
function specifierOf(file: string, name: string): string {
  const ending = name.endsWith(TEMPLATE_ENDING) ? "" : TEMPLATE_ENDING;
  if (/^\.\.?\//.test(name)) return name + ending;
  const folder = posix.dirname(file);
  const root = /^(.*\/templates)(?:\/|$)/.exec(folder)?.[1] ?? folder;
  const path = posix.relative(folder, posix.join(root, name)) + ending;
  return path.startsWith("../") ? path : `./${path}`;
}

interface Inclusion {
  readonly fn: string;
  readonly name: string | undefined;
  readonly at: number;
}

/** Calls of `include` and `layout`. A list instead of recursion: a template nests as deep as its author likes. */
function inclusions(program: Program): Inclusion[] {
  const found: Inclusion[] = [];
  const open: unknown[] = [program];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const node = next as Node & { callee?: Node & { name?: string }; arguments?: (Node & { value?: unknown })[] };
    if (node.type === "CallExpression" && node.callee?.type === "Identifier") {
      const fn = node.callee.name ?? "";
      const value = node.arguments?.[0]?.value;
      if (fn === "include" || fn === "layout") {
        found.push({ fn, name: typeof value === "string" ? value : undefined, at: node.start });
      }
    }
    for (const value of Object.values(node)) if (typeof value === "object" && value !== null) open.push(value);
  }
  return found.toReversed();
}

/** The place in the template that an offset in the module comes from: in the author's text, or at the end of what was before. */
export function toSource(pieces: readonly Piece[], made: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pieces[middle]?.statement ?? 0) <= made) low = middle + 1;
    else high = middle;
  }
  const piece = pieces[low - 1];
  return piece === undefined ? 0 : piece.source + Math.min(piece.length, Math.max(0, made - piece.made));
}
