/** What the script logged and which messages it sent, kept at the call. */
import type { LoggedLine, SentMessage } from "../../../sdk/testing.ts";
import { realm } from "./realm.ts";
import { stubbed } from "./services.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

const lines: LoggedLine[] = [];
const sent: SentMessage[] = [];
const unhandled: string[] = [];

export const logs = (): readonly LoggedLine[] => [...lines];
export const messages = (): readonly SentMessage[] => [...sent];

/** What nobody caught since this was last asked. */
export function takeUnhandled(): readonly string[] {
  return unhandled.splice(0);
}

export function forgetCaptured(): void {
  lines.length = 0;
  sent.length = 0;
}

/** As data: what the script does with an object later does not change what it sent. */
function copy(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value) ?? "null") as unknown);
}

/** `"orders/paid"`, `"paid"` or `{ script, name }`; null for what the service will refuse. */
function readTarget(target: unknown): Pick<SentMessage, "script" | "name"> | null {
  if (typeof target === "string") {
    const at = target.indexOf("/");
    return at < 0 ? { name: target } : { script: target.slice(0, at), name: target.slice(at + 1) };
  }
  const { script, name } = (target ?? {}) as { readonly script?: unknown; readonly name?: unknown };
  if (typeof name !== "string") return null;
  return typeof script === "string" ? { script, name } : { name };
}

export function installCaptures(): void {
  realm.tapUnhandled((text) => unhandled.push(text));
  realm.tapLog((level, message, data) => {
    const id = realm.currentId();
    let kept = data;
    try {
      kept = data === undefined ? undefined : copy(data);
    } catch {
      // a cycle or a BigInt: kept as it is
    }
    lines.push({
      level: LEVELS[level] ?? "info",
      message,
      ...(kept !== undefined && { data: kept }),
      ...(id !== undefined && { id }),
    });
  });
  realm.tapCalls((service, method, args) => {
    const answer = stubbed(service, method, args);
    if (answer !== undefined) return answer;
    const [to, payload] = args;
    const target = service === "messages" && method === "send" ? readTarget(to) : null;
    if (target === null) return undefined;
    sent.push({ ...target, payload: copy(payload) });
    // Other scripts are not loaded.
    const elsewhere = target.script !== undefined && target.script !== realm.script;
    return elsewhere ? Promise.resolve({ delivered: 0, failed: 0 }) : undefined;
  });
}
