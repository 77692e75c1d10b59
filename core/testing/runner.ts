/** Runs the cases of one script in their order, with the hooks around them, and undoes what each has done. */
import { ProblemError } from "../../sdk/errors.ts";
import type { HookKind, StepData } from "../isolate/testing/seam.ts";
import type { BuildProblem, BuiltPointRegistration } from "../script/types.ts";
import type { Snapshot } from "./data.ts";
import { failureOf, interruption, type ReadSource } from "./failure.ts";
import { fullName, type CaseFailure, type CaseResult } from "./result.ts";
import type { Actor } from "./stage.ts";
import { readStep } from "./step.ts";

type Case = Extract<StepData, { kind: "case" }>;

interface Step<Data extends StepData = StepData> {
  readonly data: Data;
  readonly registration: BuiltPointRegistration;
}

/** A group, or the file itself (0), whose `beforeAll` ran. */
interface Entered {
  readonly id: number;
  /** As its data was before. */
  readonly before: Snapshot;
  /** What its `beforeAll` threw: no case of it can run. */
  readonly failures: readonly CaseFailure[];
}

export interface RunnerOptions {
  readonly actor: Pick<Actor, "steps" | "data" | "call" | "renew">;
  /** Cases whose full name does not match are left out. */
  readonly filter: RegExp | null;
  readonly read: ReadSource;
  /** What happened beside the case since it was last asked. */
  readonly seen: () => readonly BuildProblem[];
  /** Why the last isolate was killed, if one was since this was last asked. */
  readonly killed: () => ProblemError | null;
}

/** Hooks have no time of their own. */
const HOOK_MS = 5000;
/** The isolate is gone, or what was given up still runs in it; with it goes what hooks have prepared. */
const GONE: ReadonlySet<string> = new Set([
  "deadline_exceeded",
  "uninterrupted_exceeded",
  "cpu_exceeded",
  "memory_exceeded",
  "isolate_restarted",
  "script_paused",
  "script_failed",
  "load_not_deterministic",
]);

export class Runner {
  readonly #options: RunnerOptions;
  readonly #steps: readonly Step[];
  readonly #stage: Step | undefined;
  /** Outermost first. */
  #entered: Entered[] = [];
  #gone = false;
  #file = "";

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#steps = options.actor.steps.flatMap((registration) => {
      const data = readStep(registration.data);
      return data === null ? [] : [{ data, registration }];
    });
    this.#stage = this.#steps.find(({ data }) => data.kind === "stage");
  }

  /** Whether the file has a case at all. */
  has(file: string): boolean {
    return this.#steps.some(({ data }) => data.kind === "case" && data.file === file);
  }

  /** The cases of one test file, in order. */
  async run(file: string): Promise<readonly CaseResult[]> {
    this.#file = file;
    const cases = this.#steps.filter(
      (step): step is Step<Case> => step.data.kind === "case" && step.data.file === file,
    );
    const only = cases.some(({ data }) => data.only);
    const results: CaseResult[] = [];
    this.#options.actor.data.restore(null);
    for (const one of cases) {
      const { name, skip } = one.data;
      const groups = one.data.groups.map((group) => group.name);
      if (this.#options.filter?.test(fullName({ groups, name })) === false) continue;
      if (skip || (only && !one.data.only)) {
        results.push({ groups, name, outcome: "skipped", ms: 0, failures: [], seen: [] });
        continue;
      }
      const path = [0, ...one.data.groups.map(({ id }) => id)];
      blame(results, await this.#leaveTo(path));
      const since = performance.now();
      const failures = await this.#case(one, path);
      const ms = performance.now() - since;
      const seen = this.#options.seen();
      results.push({ groups, name, outcome: failures.length === 0 ? "passed" : "failed", ms, failures, seen });
    }
    blame(results, await this.#leaveTo([]));
    return results;
  }

  async #case(one: Step<Case>, path: readonly number[]): Promise<readonly CaseFailure[]> {
    const failures = [...(await this.#enter(path))];
    if (failures.length > 0) return failures;
    const { data } = this.#options.actor;
    const before = data.save();
    failures.push(...(await this.#setStage("begin", one)));
    if (!this.#gone) failures.push(...(await this.#body(one, path)));
    if (!this.#gone) failures.push(...(await this.#hooks("afterEach", path.toReversed())));
    if (!this.#gone) failures.push(...(await this.#setStage("end", one)));
    data.restore(before);
    data.forget(before);
    if (this.#gone) this.#startAfresh();
    return failures;
  }

  async #body(one: Step<Case>, path: readonly number[]): Promise<readonly CaseFailure[]> {
    const began = await this.#hooks("beforeEach", path);
    return began.length > 0 ? began : this.#call(one, one.data.timeoutMs);
  }

  /** What `beforeAll` had prepared in the realm is lost: it runs once more, on data as it was. */
  #startAfresh(): void {
    const { actor } = this.#options;
    this.#gone = false;
    for (const { before } of this.#entered.splice(0)) actor.data.forget(before);
    actor.data.restore(null);
    actor.renew();
  }

  async #enter(path: readonly number[]): Promise<readonly CaseFailure[]> {
    const { data } = this.#options.actor;
    for (const id of path) {
      const known = this.#entered.find((group) => group.id === id);
      if (known) {
        if (known.failures.length > 0) return known.failures;
        continue;
      }
      const before = data.save();
      const failures = await this.#hooks("beforeAll", [id]);
      if (this.#gone) {
        data.forget(before);
        this.#startAfresh();
        return failures;
      }
      this.#entered.push({ id, before, failures });
      if (failures.length > 0) return failures;
    }
    return [];
  }

  /** Leaves the groups that are not on the path, innermost first. */
  async #leaveTo(path: readonly number[]): Promise<readonly CaseFailure[]> {
    const failures: CaseFailure[] = [];
    for (let last = this.#entered.at(-1); last && !path.includes(last.id); last = this.#entered.at(-1)) {
      failures.push(...(await this.#hooks("afterAll", [last.id])));
      if (this.#gone) {
        this.#startAfresh();
        break;
      }
      this.#entered.pop();
      this.#options.actor.data.restore(last.before);
      this.#options.actor.data.forget(last.before);
    }
    return failures;
  }

  /** Of these groups, one after another; the first that fails ends it, but for those that tidy up. */
  async #hooks(kind: HookKind, groups: readonly number[]): Promise<readonly CaseFailure[]> {
    const failures: CaseFailure[] = [];
    for (const group of groups) {
      for (const step of this.#steps) {
        const { data } = step;
        if (data.kind !== "hook" || data.hook !== kind || (data.groups.at(-1)?.id ?? 0) !== group) continue;
        if (data.file !== this.#file) continue;
        failures.push(...(await this.#call(step, HOOK_MS)));
        if (this.#gone || (failures.length > 0 && (kind === "beforeAll" || kind === "beforeEach"))) return failures;
      }
    }
    return failures;
  }

  /** Fails with what nobody caught in between, which is told as the case's. */
  async #setStage(payload: "begin" | "end", { data }: Step<Case>): Promise<readonly CaseFailure[]> {
    if (!this.#stage) return [];
    return this.#call({ data, registration: this.#stage.registration }, HOOK_MS, payload);
  }

  async #call({ data, registration }: Step, timeoutMs: number, payload?: string): Promise<readonly CaseFailure[]> {
    const { actor, read, killed } = this.#options;
    try {
      const result = await actor.call(registration, payload, timeoutMs);
      return result.ok === true ? [] : [failureOf(result.failure, data, read)];
    } catch (error) {
      const reason = killed() ?? error;
      this.#gone ||= reason instanceof ProblemError && GONE.has(reason.code);
      return [interruption(reason, { step: data, timeoutMs }, read)];
    }
  }
}

/** What an `afterAll` threw is told with the last case that ran before it. */
function blame(results: CaseResult[], failures: readonly CaseFailure[]): void {
  const at = results.findLastIndex(({ outcome }) => outcome !== "skipped");
  const last = results[at];
  if (failures.length === 0 || last === undefined) return;
  results[at] = { ...last, outcome: "failed", failures: [...last.failures, ...failures] };
}
