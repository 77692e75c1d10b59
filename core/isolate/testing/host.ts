/** The TestHost of sdk/testing: what tests call becomes steps that the runner calls one after another. */
import type { CaseOptions, Hook, TestHost } from "../../../sdk/testing/host.ts";
import { forgetCaptured, installCaptures, logs, messages, takeUnhandled } from "./captured.ts";
import { advanceTime, installClock, saveClock, setTime } from "./clock.ts";
import { addFetchStub, installFetch, saveStubs } from "./fetch.ts";
import { installRandom, saveRandom, setRandom } from "./random.ts";
import { addStep, framesOf, realm } from "./realm.ts";
import { request } from "./request.ts";
import { addServiceStub, saveServiceStubs } from "./services.ts";
import type { CallInput, StepGroup } from "./seam.ts";

const TIMEOUT_MS = 5000;

interface Group {
  readonly path: readonly StepGroup[];
  readonly skip: boolean;
  readonly only: boolean;
}

const TOP: Group = { path: [], skip: false, only: false };

let file = "";
let group = TOP;
let groups = 0;
let undo: (() => void)[] = [];

/** Where the author stands, and the groups around. */
function place() {
  const [, line, column] = /:(\d+):(\d+)\)?$/.exec(framesOf(new Error().stack ?? "")[0] ?? "") ?? [];
  return { file, groups: group.path, ...(line && { line: Number(line), column: Number(column) }) };
}

function requireTopLevel(what: string): void {
  if (realm.currentId() !== undefined)
    throw new TypeError(`${what} stands at the top level of a test file or directly in describe(), not inside a case.`);
}

function joined(mode: CaseOptions["mode"]): Pick<Group, "skip" | "only"> {
  return { skip: group.skip || mode === "skip", only: group.only || mode === "only" };
}

const host: TestHost = {
  addTest(name, run, { mode, timeoutMs = TIMEOUT_MS }) {
    requireTopLevel("test()");
    addStep({ kind: "case", name, ...joined(mode), timeoutMs, ...place() }, run);
  },
  addGroup(name, body, { mode }) {
    requireTopLevel("describe()");
    const outer = group;
    group = { path: [...outer.path, { id: ++groups, name }], ...joined(mode) };
    try {
      if (typeof (body() as unknown as Partial<Promise<void>> | undefined)?.then === "function")
        throw new TypeError(`describe("${name}", …): its function must not be async; prepare in beforeAll().`);
    } finally {
      group = outer;
    }
  },
  addHook(hook: Hook, run) {
    requireTopLevel(`${hook}()`);
    addStep({ kind: "hook", hook, ...place() }, run);
  },
  request,
  addFetchStub,
  addServiceStub,
  setTime,
  advanceTime,
  setRandom,
  logs,
  messages,
};

/** A promise was rejected, or a timer threw, and nobody saw it. */
class UnhandledError extends Error {
  constructor(text: string) {
    super(`Nobody caught this: ${text.split("\n")[0]}`);
    this.name = "Error";
    this.stack = text;
  }
}

/** What a case did to the realm is undone; what the hooks before it did stays. */
function stage(payload: unknown): void {
  if (payload === "begin") undo = [saveClock(), saveRandom(), saveStubs(), saveServiceStubs()];
  else for (const step of undo.splice(0)) step();
  forgetCaptured();
  const [first] = takeUnhandled();
  if (first !== undefined) throw new UnhandledError(first);
}

/** For the entry of the bundle (core/isolate/build/harness.ts). */
const harness = {
  /** Where nothing is tested, the realm stays as it is. */
  isolate(): void {
    installCaptures();
    installClock();
    installRandom();
    installFetch();
  },
  beginFile(path: string): void {
    file = path;
  },
  end(): void {
    file = "";
    addStep({ kind: "stage", file, groups: [] }, stage);
    addStep({ kind: "call", file, groups: [] }, (payload) => {
      const { name, args } = payload as CallInput;
      const names = realm.names();
      const found = Object.hasOwn(names, name) ? names[name] : undefined;
      if (typeof found !== "function") throw noFunction(name, names);
      return (found as (...args: readonly unknown[]) => unknown)(...args);
    });
  },
};

function noFunction(name: string, names: { readonly [name: string]: unknown }): TypeError {
  const functions = Object.keys(names).filter((one) => typeof names[one] === "function");
  const there = functions.length === 0 ? "" : ` It has: ${functions.join(", ")}.`;
  const route = 'A route is called by method and path: "GET /notes/1".';
  return new TypeError(
    `The script has no exported function "${name}", and handles no message of that name.${there} ${route}`,
  );
}

export function installHost(): void {
  Object.defineProperty(globalThis, Symbol.for("aiwebengine.testing"), { value: { ...host, ...harness } });
}
