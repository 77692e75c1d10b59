/** An engine with victims under load, into which attacks are let one after the other; it judges what they did. */
import { mkdir, readFile, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { prepareFolder, startEngine, type Engine } from "../engine.ts";
import { processTree, treeFigures } from "../processes.ts";
import { attackFiles, REPORT, WARM, type Attack } from "./attack.ts";
import { SMUGGLED } from "./attacks/output.ts";
import { Bait } from "./bait.ts";
import { codeOf, describe, overshoot, parseFindings, readSome, say, type Answer } from "./answer.ts";
import type { Findings } from "./toolbox.ts";
import { VictimLoad, VICTIMS } from "./victims.ts";

/** An attack is cut off here; the engine's own limits are far below. */
const ATTACK_TIMEOUT_MS = 45_000;
const BUILD_TIMEOUT_MS = 60_000;
/** Memory is looked at every few milliseconds: so much may come between two looks. */
const MOST_OVER_BYTES = 64 * 1024 * 1024;
const BATCH = 40;

export interface ArenaOptions {
  /** Which attacks will come, in which order. */
  readonly attacks: readonly Attack[];
  /** Small limits for attacks on time and memory; generous ones for those that must run to their end. */
  readonly limits: Readonly<Record<string, number>>;
  readonly mode?: string;
}

export interface Result {
  readonly attack: Attack;
  /** Empty: it held. */
  readonly faults: readonly string[];
  /** For the table: what became of the attack. */
  readonly outcome: string;
  readonly ms: number;
  /** Milliseconds from the limit to the answer, where a limit on uninterrupted running ended it. */
  readonly lateMs?: number;
  /** The slowest answer of a victim meanwhile. */
  readonly victimMs: number;
}

export class Arena implements AsyncDisposable {
  readonly engine: Engine;
  readonly victims: VictimLoad;
  readonly #bait: Bait;
  readonly #uninterruptedMs: number;
  readonly #planned: readonly Attack[];
  #present: readonly Attack[] = [];
  /** Attacks whose script the engine never spoke of. */
  readonly #silent = new Set<string>();

  private constructor(engine: Engine, bait: Bait, { attacks, limits }: ArenaOptions) {
    this.#planned = attacks;
    this.engine = engine;
    this.victims = new VictimLoad(engine);
    this.#bait = bait;
    this.#uninterruptedMs = limits["uninterruptedMs"] ?? 1000;
  }

  static async open(options: ArenaOptions): Promise<Arena> {
    const lines = (limits: Readonly<Record<string, number>>): readonly string[] =>
      Object.entries(limits).map(([name, value]) => `${name} = ${value}`);
    const own = options.attacks.flatMap(({ name, limits }) =>
      limits === undefined ? [] : [`[scripts.${name}.limits]`, ...lines(limits)],
    );
    const mode = options.mode === undefined ? [] : [`mode = "${options.mode}"`];
    const config = [
      "[isolates]",
      "perScript = 1",
      "idleMs = 1000",
      "spare = 2",
      ...mode,
      "[limits]",
      ...lines(options.limits),
      "[log]",
      'format = "json"',
      ...own,
      "",
    ].join("\n");
    const dir = await prepareFolder({ scripts: VICTIMS, config });
    const outside = dirname(dir);
    const bait = await Bait.lay(outside);
    try {
      const engine = await startEngine({ dir, env: bait.env });
      return new Arena(engine, bait, options);
    } catch (error) {
      await bait.remove();
      await rm(outside, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * The scripts are written and removed by the batch: many enough to be quick and few enough to see who disturbs whom.
   */
  async #bring(attack: Attack): Promise<void> {
    if (this.#present.includes(attack)) return;
    const at = this.#planned.indexOf(attack);
    const from = at - (at % BATCH);
    await this.clear();
    this.#present = this.#planned.slice(from, from + BATCH);
    await this.#load(this.#present);
  }

  /** Removes the scripts of the attacks that are there. */
  async clear(): Promise<void> {
    for (const attack of this.#present) {
      for (const kind of [".js", ".ts", ".tsx", ""]) await this.engine.remove(`scripts/${attack.name}${kind}`);
    }
    this.#present = [];
  }

  /** Writes the scripts of these attacks and waits until the engine said of each that it serves, or why not. */
  async #load(attacks: readonly Attack[]): Promise<void> {
    const after = this.engine.mark();
    await Promise.all(
      attacks.map(async (attack) => {
        const files = Object.entries(attackFiles(attack, this.#bait.canaryFile));
        // In a folder the helpers come first: the script is built when its own file appears.
        for (const [path, content] of files.reverse()) await this.engine.write(path, this.#bait.fill(attack, content));
        for (const [path, target] of Object.entries(attack.links ?? {}))
          await this.#link(path, this.#bait.fill(attack, target));
        const seen = this.engine.waitForLog((line) => isAbout(line, attack.name), {
          timeoutMs: BUILD_TIMEOUT_MS,
          after,
        });
        // A link alone need not even be looked at; everything else must be heard of.
        if (files.length > 0) await seen.catch(() => this.#silent.add(attack.name));
        else seen.catch(() => {});
      }),
    );
  }

  async run(attack: Attack): Promise<Result> {
    await this.#bring(attack);
    const faults: string[] = [];
    if (this.#silent.has(attack.name)) faults.push("the engine neither loaded nor refused its script");
    const failuresBefore = this.victims.failures.length;
    this.victims.takeWorstMs();
    const path = attack.path ?? `/attack/${attack.name}`;
    const usesToolbox = attack.files === undefined && attack.outcome !== "refused";
    if (usesToolbox) {
      const warm = await this.#ask(attack, `${path}?${WARM}`);
      if (warm.status !== 200 || warm.text !== "warm")
        faults.push(`its script is not ready: ${say(warm)}${this.#reason(attack)}`);
    }
    const answer = await this.#ask(
      attack,
      `${path}${attack.request?.query === undefined ? "" : `?${attack.request.query}`}`,
    );
    const findings = this.#judge(attack, answer, faults);
    if (usesToolbox) await this.#report(attack, `${path}?${REPORT}`, faults);
    faults.push(...this.#bait.taken(attack, `${answer.head}\n${answer.text}`, this.engine.logs));
    if (!(await this.#alive())) faults.push("the engine no longer answers");
    for (const failure of this.victims.failures.slice(failuresBefore)) faults.push(`a victim was harmed: ${failure}`);
    const late = answer.text.includes('"uninterrupted_exceeded"') ? answer.ms - this.#uninterruptedMs : undefined;
    return {
      attack,
      faults,
      outcome: answer.status === 404 ? this.#refusal(attack) : describe(answer, findings),
      ms: answer.ms,
      ...(late === undefined ? {} : { lateMs: late }),
      victimMs: this.victims.takeWorstMs(),
    };
  }

  /** Processes and threads of the engine now. */
  figures(): { processes: number; threads: number; rssBytes: number } {
    const all = treeFigures(this.engine.pid);
    const own = all.find((one) => one.pid === this.engine.pid);
    return { processes: all.length, threads: own?.threads ?? 0, rssBytes: own?.rssBytes ?? 0 };
  }

  /** Waits until no more processes live than these. False when that does not come about. */
  async settled(processes: number, timeoutMs = 10_000): Promise<boolean> {
    const end = performance.now() + timeoutMs;
    while (processTree(this.engine.pid).length > processes) {
      if (performance.now() > end) return false;
      await Bun.sleep(100);
    }
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.victims.stop();
    await this.engine.stop();
    await this.#bait.remove();
    await rm(dirname(this.engine.dir), { recursive: true, force: true });
  }

  async #link(path: string, target: string): Promise<void> {
    const file = join(this.engine.dir, path);
    await mkdir(dirname(file), { recursive: true });
    await symlink(target, file);
  }

  async #ask(attack: Attack, path: string): Promise<Answer> {
    const start = performance.now();
    const request = attack.request ?? {};
    try {
      const response = await this.engine.fetch(path, {
        method: request.method ?? "GET",
        headers: { ...request.headers },
        ...(request.body === undefined ? {} : { body: request.body }),
        redirect: "manual",
        // On a connection that was used before, Bun's fetch sends again what was cut off, and hides that.
        keepalive: false,
        signal: AbortSignal.timeout(ATTACK_TIMEOUT_MS),
      });
      const head = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      const { text, broken } = await readSome(response);
      const ms = performance.now() - start;
      return { status: response.status, head, text, ms, ...(broken === undefined ? {} : { broken }) };
    } catch (error) {
      return { status: 0, head: "", text: "", ms: performance.now() - start, broken: String(error) };
    }
  }

  /** Compares the answer with what the attack may get; gives its findings where it has any. */
  #judge(attack: Attack, answer: Answer, faults: string[]): Findings | null {
    if (answer.broken?.includes("Timeout")) faults.push(`no answer within ${ATTACK_TIMEOUT_MS} ms`);
    if (answer.head.toLowerCase().includes(`${SMUGGLED}:`)) faults.push("the head of the answer was split");
    const { outcome } = attack;
    if (outcome === "survived") {
      if (answer.status === 0 && attack.breaksOff !== true) faults.push(`no answer: ${answer.broken}`);
      return null;
    }
    if (outcome === "refused") {
      if (answer.status !== 404) faults.push(`not refused: ${say(answer)}`);
      return null;
    }
    if (outcome === "findings") {
      const findings = parseFindings(answer.text);
      if (findings === null) faults.push(`it did not run: ${say(answer)}`);
      else if (!findings.done) faults.push("it did not run to its end");
      return findings;
    }
    const code = codeOf(answer);
    if (code === "memory_exceeded") {
      const over = overshoot(answer.text);
      if (over > MOST_OVER_BYTES) faults.push(`it was killed ${Math.round(over / 1024 / 1024)} MiB past its budget`);
    }
    if (code === undefined || !outcome.includes(code))
      faults.push(`expected one of ${outcome.join(", ")}: ${say(answer)}`);
    return null;
  }

  /** Findings may come after the answer: the same isolate is asked again. */
  async #report(attack: Attack, path: string, faults: string[]): Promise<void> {
    const report = await this.#ask(attack, path);
    const findings = parseFindings(report.text);
    if (findings !== null) for (const found of findings.found) faults.push(found);
    else if (attack.slow !== true && attack.selfHarm !== true && report.status !== 200)
      faults.push(`its isolate did not survive: ${say(report)}`);
  }

  async #alive(): Promise<boolean> {
    try {
      const response = await this.engine.fetch("/victim?n=alive", { signal: AbortSignal.timeout(5000) });
      return response.status === 200 && (await response.text()) === "victim alive";
    } catch {
      return false; // the fault says so
    }
  }

  #said(attack: Attack): string | undefined {
    return this.engine.logs.split("\n").findLast((line) => isAbout(line, attack.name));
  }

  #reason(attack: Attack): string {
    const line = this.#said(attack);
    return line === undefined ? "" : `; the engine said: ${line.slice(0, 600)}`;
  }

  #refusal(attack: Attack): string {
    const line = this.#said(attack);
    if (line === undefined) return "not taken as a script";
    const { code, problem } = JSON.parse(line) as { code?: string; problem?: string };
    return `refused: ${code ?? "?"} (${problem ?? ""})`;
  }

  /** Whether the engine's cache holds a secret: a bundle that took in a file from outside. */
  async cacheHolds(secret: string): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const file of new Bun.Glob("data/cache/**/*").scan({ cwd: this.engine.dir, dot: true })) {
      if ((await readFile(join(this.engine.dir, file), "utf8")).includes(secret)) found.push(file);
    }
    return found;
  }
}

/** The engine's log line of a script that was loaded, reloaded or refused. */
function isAbout(line: string, script: string): boolean {
  return line.includes(`"script":"${script}"`) && /"message":"script (loaded|reloaded|failed)/.test(line);
}
