/** One table of what was measured against what was aimed at: for the terminal and for docs/benchmarks.md. */
import { cpus, release, totalmem } from "node:os";

export interface Row {
  readonly what: string;
  readonly measured: string;
  /** What it must be; absent where the figure is only shown. */
  readonly bar?: string;
  readonly holds?: boolean;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** What was measured on, without names of machines or paths. */
export function machine(): string {
  const [first] = cpus();
  return `${cpus().length} × ${first?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 1024 ** 3)} GiB, ${process.platform} ${release().replace(/-.*$/, "")}, Bun ${Bun.version}`;
}

const verdict = (row: Row): string => (row.holds === undefined ? "" : row.holds ? "yes" : "**no**");

export function benchPage(sections: readonly Section[], notes: readonly string[]): string {
  const lines = [
    "# Benchmarks",
    "",
    `Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}. Machine: ${machine()}.`,
    "",
    "The engine is the compiled binary with everything on (limits, jail, access log). Load comes from `wrk -t1` on the same machine, so the cores are shared between client and server; ratios count, not absolute figures. Medians of alternating rounds in one run. *Floor* is plain `Bun.serve` plus one naked, coalesced hop to a child process and back; the *dressed floor* is the same with what every request is owed (an id, its headers for the script, three headers of the answer, a line in the log), in the fewest words (docs/decisions/0010-cost-of-hello.md).",
    "",
    ...notes.map((note) => `- ${note}`),
  ];
  for (const { title, rows } of sections) {
    lines.push("", `## ${title}`, "", "| what | measured | bar | holds |", "|---|---|---|---|");
    for (const row of rows) lines.push(`| ${row.what} | ${row.measured} | ${row.bar ?? ""} | ${verdict(row)} |`);
  }
  return `${lines.join("\n")}\n`;
}

export function printSection({ title, rows }: Section): void {
  console.log(`\n${title}`);
  for (const row of rows) {
    const mark = row.holds === undefined ? " " : row.holds ? "✓" : "✗";
    console.log(`  ${mark} ${row.what.padEnd(58)} ${row.measured.padEnd(34)} ${row.bar ?? ""}`);
  }
}
