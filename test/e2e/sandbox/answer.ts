/** What an attack's request brought: read so far as is sensible, and put into words. */
import type { Findings } from "./toolbox.ts";

/** So much of an answer is looked at; then the client leaves. */
const READ_BYTES = 8 * 1024 * 1024;
const READ_MS = 3000;

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly text: string;
  readonly ms: number;
  /** The answer broke off, or none came. */
  readonly broken?: string;
}

export async function readSome(response: Response): Promise<{ text: string; broken?: string }> {
  if (response.body === null) return { text: "" };
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const end = Date.now() + READ_MS;
  let text = "";
  try {
    for (;;) {
      const late = Bun.sleep(Math.max(0, end - Date.now())).then(() => "late" as const);
      const next = await Promise.race([reader.read(), late]);
      if (next === "late" || text.length > READ_BYTES) {
        await reader.cancel();
        return { text, broken: "the client left" };
      }
      if (next.done) return { text };
      text += decoder.decode(next.value, { stream: true });
    }
  } catch (error) {
    return { text, broken: String(error) };
  }
}

/** The code of a problem. */
export function codeOf({ text }: Answer): string | undefined {
  return /"code":"([a-z_]+)"/.exec(text)?.[1];
}

/** By how many bytes a limit on memory was passed when the isolate was killed. */
export function overshoot(problem: string): number {
  const { limit } = JSON.parse(problem) as { limit?: { value: number; used?: number } };
  return limit?.used === undefined ? 0 : limit.used - limit.value;
}

export function parseFindings(text: string): Findings | null {
  if (!text.startsWith('{"done":')) return null;
  return JSON.parse(text) as Findings;
}

export function say(answer: Answer): string {
  if (answer.status === 0) return `no answer (${answer.broken})`;
  return `${answer.status} ${answer.text.slice(0, 300)}`;
}

export function describe(answer: Answer, findings: Findings | null): string {
  if (findings !== null) return `nothing reached; ${findings.seen} objects walked`;
  const code = codeOf(answer);
  if (code === "memory_exceeded") {
    return `${answer.status} ${code}, ${Math.round(overshoot(answer.text) / 1024 / 1024)} MiB past the budget`;
  }
  if (code !== undefined) return `${answer.status} ${code}`;
  if (answer.status === 0) return "its own connection was cut";
  if (answer.broken !== undefined)
    return `${answer.status}, then ${answer.broken === "the client left" ? "the client left" : "cut off"}`;
  return `answered ${answer.status}`;
}
