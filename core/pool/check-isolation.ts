/** Before the engine serves: one isolate says what its jail holds, and probes this build's realm for known leaks. */
import { READY } from "../isolate/frames.ts";
import type { JailReport } from "../isolate/jail/lockdown.ts";
import type { JailPart } from "../isolate/jail/parts.ts";
import { FrameReader } from "../isolate/wire.ts";
import { StartError } from "../errors.ts";
import type { Vessel } from "./vessel.ts";

/** READY, as text. */
export interface ReadyReport {
  readonly jail: JailReport;
  /** Only after `--self-test`. */
  readonly leaks?: readonly string[];
}

const PATIENCE_MS = 10_000;
const MAX_BYTES = 64 * 1024;

/**
 * Starts an isolate for nothing but its report.
 *
 * @throws StartError when none can be started.
 */
export async function inspectIsolate(open: () => Promise<Vessel>): Promise<ReadyReport> {
  try {
    return await readReport(await open());
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(
      `No isolate can be started here: ${why}. \`aiwebengine doctor\` says what this machine holds.`,
      { cause },
    );
  }
}

async function readReport(vessel: Vessel): Promise<ReadyReport> {
  const answer = Promise.withResolvers<ReadyReport>();
  const reader = new FrameReader(MAX_BYTES);
  const timer = setTimeout(() => answer.reject(new Error(`it gave no sign for ${PATIENCE_MS} ms`)), PATIENCE_MS);
  vessel.receive({
    data: (bytes) =>
      reader.push(bytes, (frame) => frame.type === READY && answer.resolve(JSON.parse(frame.text) as ReadyReport)),
    drain: () => {},
    gone: (why) => answer.reject(new Error(why)),
  });
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    vessel.kill();
  }
}

/** @throws StartError when isolates cannot be started, a leak is open, or `isolates.require` is not met. */
export async function checkIsolation(
  mode: "process" | "thread",
  require: readonly string[],
  open: () => Promise<Vessel>,
): Promise<JailReport> {
  const { jail, leaks = [] } = await inspectIsolate(open);
  if (leaks.length > 0) {
    throw new StartError(
      `This build is not safe to run: its realm leaks (${leaks.join(", ")}). Use another version of the engine.`,
    );
  }
  const missing = require.filter((part) => !jail.held.includes(part as JailPart));
  if (missing.length > 0) {
    const reasons = missing.map(
      (part) =>
        `${part} (${jail.lacking.find((one) => one.part === part)?.reason ?? `not with isolates.mode = "${mode}"`})`,
    );
    throw new StartError(`isolates.require asks for what this machine does not hold: ${reasons.join("; ")}.`);
  }
  return jail;
}
