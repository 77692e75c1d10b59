/** The log lines of one isolate: counted for each invocation, and for the time outside of any. */
import { LEVELS } from "../isolate/frames.ts";
import { ProtocolError, type Frame } from "../isolate/wire.ts";
import { ProblemError } from "../../sdk/errors.ts";
import type { Flight } from "./flight.ts";
import type { IsolateScript } from "./isolate.ts";
import { parseHostile } from "./hostile-json.ts";
import { limitUse } from "./limit-use.ts";

export interface ScriptLogDeps {
  /** Without a flight: from outside of any invocation. */
  log(script: string, level: number, message: string, data: unknown, flight: Flight | null): void;
}

/** The realm cuts a message and its data at 16,384 characters each, which escapes make up to six times as long. */
const MAX_TEXT = 256 * 1024;
/** Lines outside of invocations (a script's top level, `init`) have the share of one invocation for so long. */
const REFILL_MS = 60_000;
const WARN = 2;

export class ScriptLog {
  readonly #deps: ScriptLogDeps;
  /** Ends an invocation that logs too much. */
  readonly #exceeded: (flight: Flight, problem: ProblemError) => void;
  /** A line for nobody. */
  readonly #stray: () => void;
  #outside = { since: -Infinity, logLines: 0, logBytes: 0 };

  constructor(deps: ScriptLogDeps, exceeded: (flight: Flight, problem: ProblemError) => void, stray: () => void) {
    this.#deps = deps;
    this.#exceeded = exceeded;
    this.#stray = stray;
  }

  /** LOG. `whose` may be an invocation that is over. @throws ProtocolError when it is no line. */
  take(frame: Frame, flight: Flight | undefined, script: IsolateScript, whose: Flight | undefined): void {
    const { text } = frame;
    if (text.length > MAX_TEXT) throw new ProtocolError(`a log line of ${text.length} characters`);
    if (!(flight ? this.#count(flight, script, text.length) : this.#countOutside(script, text.length))) return;
    const line = parseHostile(text);
    if (!Array.isArray(line) || typeof line[0] !== "string") throw new ProtocolError("a log line that is none");
    const level = frame.a < LEVELS.length ? frame.a : 1;
    this.#deps.log(script.name, level, line[0], line[1], whose ?? null);
  }

  /** False once the invocation has logged its share; it ends then. */
  #count(flight: Flight, script: IsolateScript, bytes: number): boolean {
    flight.logLines++;
    flight.logBytes += bytes;
    const { limits } = script;
    const name = flight.logLines > limits.logLines ? "logLines" : flight.logBytes > limits.logBytes ? "logBytes" : null;
    if (name === null) return true;
    const detail = `The invocation logged more than limits.${name} (${limits[name]}) allows, and was ended.`;
    const problem = new ProblemError("output_exceeded", detail, { limit: limitUse(limits, name, flight[name]) });
    this.#exceeded(flight, problem);
    return false;
  }

  #countOutside(script: IsolateScript, bytes: number): boolean {
    const now = performance.now();
    if (now - this.#outside.since > REFILL_MS) this.#outside = { since: now, logLines: 0, logBytes: 0 };
    const share = this.#outside;
    const { logLines, logBytes } = script.limits;
    const before = share.logLines <= logLines && share.logBytes <= logBytes;
    share.logLines++;
    share.logBytes += bytes;
    if (share.logLines <= logLines && share.logBytes <= logBytes) return true;
    if (before) {
      const text = "the script logs too much outside of invocations: what follows in this minute is left out";
      this.#deps.log(script.name, WARN, text, { logLines, logBytes }, null);
    } else this.#stray();
    return false;
  }
}
