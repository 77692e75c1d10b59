/** What an attack is, and how its script is put together. */
import { toolbox } from "./toolbox.ts";

export type Group =
  | "build"
  | "schemas"
  | "walks"
  | "host errors"
  | "dynamic import"
  | "stack traces"
  | "stack limit"
  | "traps"
  | "pollution"
  | "engine features"
  | "fetch"
  | "cpu"
  | "memory"
  | "output"
  | "crashes"
  | "floods";

/** How the engine may answer an attack that it survives. */
export type Outcome =
  /** 200 with the findings of the toolbox, all empty. */
  | "findings"
  /** The script is refused when it is built or loaded; its route answers 404. */
  | "refused"
  /** Any whole answer of the engine or the script, problem or not: what counts is that nobody else is harmed. */
  | "survived"
  /** A problem with one of these codes (of `sdk/problem-table.ts`). */
  | readonly string[];

export interface Attack {
  /** Also the name of its script, and the last part of its route: `/attack/<name>`. */
  readonly name: string;
  readonly group: Group;
  /** One sentence: what it tries. */
  readonly tries: string;
  /** Slow attacks take a second or more: a rotating part of them runs in `npm test`. */
  readonly slow?: boolean;
  readonly outcome: Outcome;
  /** Body of `async (ctx, t) => …`; the toolbox answers. */
  readonly body?: string;
  /** Top-level statements before the registration. */
  readonly top?: string;
  /** Instead of `body` and `top`: everything after the toolbox; it registers its route itself. */
  readonly script?: string;
  /** Instead of all of these: files below the engine's folder, without the toolbox. */
  readonly files?: Readonly<Record<string, string>>;
  /** Links below the engine's folder → target; an absolute target or one relative to the link. */
  readonly links?: Readonly<Record<string, string>>;
  /** Where it is called when not at `/attack/<name>`. */
  readonly path?: string;
  /** What is sent; `GET` without a body by default. */
  readonly request?: {
    readonly method?: string;
    readonly query?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  };
  /** Limits of its script alone. */
  readonly limits?: Readonly<Record<string, number>>;
  /** What no answer, log line or bundle may hold; the canary always is one. */
  readonly secret?: string;
  /** It breaks its own streamed answer off: the connection may be cut before a byte of it. */
  readonly breaksOff?: boolean;
  /** It breaks its own realm for good; later answers of its own may fail. */
  readonly selfHarm?: boolean;
  /** Also run against the open designs of the negative controls. */
  readonly control?: boolean;
}

/** Asked first, so that starting the isolate is not measured. */
export const WARM = "warm=1";
/** Asked last: findings that came after the answer. */
export const REPORT = "report=1";

/** The source of the attack's script, for attacks that are one. */
export function attackSource(attack: Attack, canary: string): string {
  if (attack.script !== undefined) return toolbox(canary) + attack.script.replaceAll("ROUTE", `/attack/${attack.name}`);
  return `${toolbox(canary)}
const registerRoute = registerWebHandler;
${attack.top ?? ""}
registerRoute("ANY /attack/${attack.name}", async function (ctx) {
  const gate = t.gate(ctx.query);
  if (gate !== undefined) return gate;
  let instead;
  await t.run(async () => { instead = await (${attackFunction(attack)})(ctx, t); });
  return instead === undefined ? t.answer() : instead.value;
});
`;
}

/** The attack itself as source of a function, for scripts and controls alike. */
export function attackFunction(attack: Attack): string {
  return `async (ctx, t) => {\n${attack.body ?? ""}\n}`;
}

/** Every file of the attack, below the engine's folder. */
export function attackFiles(attack: Attack, canary: string): Readonly<Record<string, string>> {
  return attack.files ?? { [`scripts/${attack.name}.js`]: attackSource(attack, canary) };
}
