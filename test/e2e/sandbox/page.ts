/** docs/attacks.md, from the results of a run. */
import type { Result } from "./arena.ts";
import { LATE_MS } from "./settings.ts";

export interface Standing {
  readonly before: { readonly processes: number; readonly threads: number; readonly rssBytes: number };
  readonly after: { readonly processes: number; readonly threads: number; readonly rssBytes: number };
  readonly victimCalls: number;
  readonly victimFailures: number;
}

const mib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
const cell = (text: string): string =>
  text.replaceAll("|", "\\|").replaceAll("`", "'").replaceAll("\n", " ").slice(0, 200);

export function attacksPage(results: readonly Result[], standings: readonly (Standing | null)[]): string {
  const lates = results
    .map((result) => result.lateMs)
    .filter((ms) => ms !== undefined)
    .sort((a, b) => a - b);
  const faulty = results.filter((result) => result.faults.length > 0);
  const lines = [
    "# Attacks",
    "",
    `Written by \`npm run test:attacks\` on ${new Date().toISOString().slice(0, 10)}, Bun ${Bun.version}, ${process.platform} ${process.arch}. What is defended, and what is not: [threat-model.md](threat-model.md).`,
    "",
    `${results.length} attacks on the compiled binary, process mode; ${results.length - faulty.length} held, ${faulty.length} did not.`,
    "Each ran while two peaceful scripts were called all the time; a failed call of theirs counts against the attack.",
    "",
  ];
  for (const [i, standing] of standings.entries()) {
    if (standing === null) continue;
    const { before, after } = standing;
    lines.push(
      `- ${i === 0 ? "Ways out" : "Time and memory"}: ${standing.victimCalls} calls of victims, ${standing.victimFailures} failed. Engine before and after: ${before.threads} and ${after.threads} threads, ${mib(before.rssBytes)} and ${mib(after.rssBytes)}, ${before.processes} and ${after.processes} processes.`,
    );
  }
  if (lates.length > 0) {
    const at = (share: number): number =>
      Math.round(lates[Math.min(lates.length - 1, Math.floor(lates.length * share))] ?? 0);
    lines.push(
      `- ${lates.length} scripts that did not yield: answered ${at(0.5)} ms (median), ${at(0.95)} ms (p95), ${at(1)} ms (worst) after \`uninterruptedMs\`; the tests allow ${LATE_MS} ms on a busy machine.`,
    );
  }
  let group = "";
  for (const result of results) {
    const { attack } = result;
    if (attack.group !== group) {
      group = attack.group;
      lines.push(
        "",
        `## ${group[0]?.toUpperCase()}${group.slice(1)}`,
        "",
        "| attack | a script that | outcome | held |",
        "|---|---|---|---|",
      );
    }
    const held = result.faults.length === 0 ? "yes" : `**no**: ${result.faults.join("; ")}`;
    const late = result.lateMs === undefined ? "" : ` (${Math.round(result.lateMs)} ms after the limit)`;
    lines.push(`| ${attack.name} | ${cell(attack.tries)} | ${cell(result.outcome)}${late} | ${cell(held)} |`);
  }
  return `${lines.join("\n")}\n`;
}
