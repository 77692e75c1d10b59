/** Writes the pages of `docs/` that come from tables of the code: `bun test/docs/generate.ts`. */
import { join } from "node:path";
import { expectation } from "../../core/config/check.ts";
import type { Key, LeafKey } from "../../core/config/key.ts";
import { LIMITS, type LimitSpec } from "../../core/config/limits.ts";
import { SCHEMA } from "../../core/config/schema.ts";
import { PROBLEMS, type ProblemSpec } from "../../sdk/errors.ts";
import { CLI_PAGE, withCommands } from "./cli-page.ts";
import { pagePath, pluginPages, withConfig } from "./plugin-pages.ts";
import { table } from "./table.ts";

const DOCS = join(import.meta.dir, "../../docs");
const BEGIN = "<!-- keys: generated from core/config/schema.ts -->";
const END = "<!-- end of keys -->";

function amount(value: number, unit: LimitSpec["unit"]): string {
  const grouped = value.toLocaleString("en-US");
  if (unit === "count") return grouped;
  if (unit === "bytes")
    return value >= 1 << 20 ? `${value / (1 << 20)} MiB` : value >= 1024 ? `${value / 1024} KiB` : grouped;
  return value >= 1000 && value % 1000 === 0 ? `${(value / 1000).toLocaleString("en-US")} s` : `${grouped} ms`;
}

/** The text of docs/limits.md. */
export function limitsPage(): string {
  const rows = Object.entries<LimitSpec>(LIMITS).map(([name, { default: value, min, max, unit, meaning }]) => [
    `\`${name}\``,
    amount(value, unit),
    `${amount(min, unit)} – ${amount(max, unit)}`,
    meaning,
  ]);
  return `<!-- Generated from core/config/limits.ts by test/docs/generate.ts -->
# Limits

Every script runs under these limits. Passing one stops that invocation, answers as a [problem](problems.md) whose \`limit\`
names the limit, its value, what was used where that is known, and the key that changes it, and leaves every other script
untouched.

${table(["limit", "default", "from – to", "what it holds"], rows)}

**Changing them.** \`limits.<name>\` changes a limit for every script, \`scripts.<script>.limits.<name>\` for one. Neither may be
above \`limits.max.<name>\` (the upper end of the third column, unless config changes it): that is an error, not a clamp. Keys
whose name ends in \`Ms\` are milliseconds, in \`Bytes\` bytes.

\`\`\`toml
[limits]
wallMs = 5000

[limits.max]
memoryBytes = 536870912

[scripts.reports.limits]
memoryBytes = 402653184
wallMs = 60000
\`\`\`
`;
}

/** The text of docs/problems.md. */
export function problemsPage(): string {
  const rows = Object.entries<ProblemSpec>(PROBLEMS)
    .toSorted(([, a], [, b]) => a.status - b.status)
    .map(([code, { status, meaning, fix }]) => [`\`${code}\``, String(status), meaning, fix]);
  return `<!-- Generated from sdk/problem-table.ts by test/docs/generate.ts -->
# Problems

Every failure is answered as \`application/problem+json\` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)):

\`\`\`json
{
  "type": "urn:aiwebengine:problem:deadline_exceeded",
  "title": "Deadline exceeded",
  "status": 504,
  "detail": "…",
  "code": "deadline_exceeded",
  "id": "019a…",
  "limit": { "name": "wallMs", "value": 10000, "used": 10003, "key": "limits.wallMs" }
}
\`\`\`

\`code\` is stable: key on it. Sentences may change. \`id\` is the answer's \`x-request-id\` and the \`id\` of every log line that
the request caused. \`errors\` (with \`invalid_input\`) lists \`{ path, message, expected }\` for every field; \`limit\` names the
[limit](limits.md) that was passed. \`dev\` (file, line, frame, stack) is there only when the engine runs with \`--dev\`.

The last column of a code that arises while a script loads is for its author; the console and the log show the same with
file, line and frame.

${table(["code", "status", "what happened", "what to do"], rows)}
`;
}

function leaves(key: Key, path: readonly string[]): (readonly [string, LeafKey])[] {
  if (key.type === "map") return leaves(key.value, [...path, "<name>"]);
  if (key.type !== "table") return [[path.join("."), key]];
  return Object.entries(key.keys).flatMap(([name, inner]) => leaves(inner, [...path, name]));
}

function shownDefault(key: LeafKey): string {
  if (key.type === "strings") return "`[]`";
  if (key.type === "data") return "`{}`";
  return key.default === undefined ? "none" : `\`${JSON.stringify(key.default)}\``;
}

/** The table of config keys in docs/config.md, markers included. */
export function keysTable(): string {
  const rows = leaves(SCHEMA, [])
    // Limits have a page of their own.
    .filter(([path]) => !/(^|\.)limits\./.test(path))
    .map(([path, key]) => [
      `\`${path}\``,
      shownDefault(key),
      [
        key.meaning,
        ...(key.type === "choice" || key.type === "integer" ? [`Takes ${expectation(key)}.`] : []),
        ...(key.restart === true ? ["Needs a restart."] : []),
      ].join(" "),
    ]);
  const limits = [
    ["`limits.<limit>`", "see there", "[Limits](limits.md) of every script."],
    ["`limits.max.<limit>`", "see there", "The most that any script may be given."],
    ["`scripts.<name>.limits.<limit>`", "`limits.<limit>`", "Limits of one script."],
    ["`profile.<name>.inherits`", "none", "The profile that this one is laid over."],
    ["`profile.<name>.*`", "", "Every key of this table."],
  ];
  return `${BEGIN}\n\n${table(["key", "default", "meaning"], [...rows, ...limits])}\n\n${END}`;
}

/** A page with its table of keys replaced by the present one. */
export function withKeys(page: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`docs/config.md lacks the marks ${BEGIN} and ${END}`);
  return page.slice(0, from) + keysTable() + page.slice(to + END.length);
}

export const PAGES = {
  limits: join(DOCS, "limits.md"),
  problems: join(DOCS, "problems.md"),
  config: join(DOCS, "config.md"),
} as const;

if (import.meta.main) {
  await Bun.write(PAGES.limits, limitsPage());
  await Bun.write(PAGES.problems, problemsPage());
  await Bun.write(PAGES.config, withKeys(await Bun.file(PAGES.config).text()));
  await Bun.write(CLI_PAGE, withCommands(await Bun.file(CLI_PAGE).text()));
  for (const name of pluginPages()) {
    const path = pagePath(name);
    await Bun.write(path, await withConfig(name, await Bun.file(path).text()));
  }
}
