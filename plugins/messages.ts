/** Messages between scripts: whoever handles a name is called with the payload, and the sender learns how many took it. */
import { definePlugin, ProblemError, type Json, type PointRegistration } from "../sdk/plugin.ts";

const SERVICE_TYPES = `/** How many handlers took a message, and how many did not. */
export interface Delivery {
  readonly delivered: number;
  readonly failed: number;
  /** Why the first 20 of them did not: a problem code and a sentence. Absent where none failed. */
  readonly errors?: readonly { readonly script: string; readonly code: string; readonly message: string }[];
}

/** Messages to other scripts, and to this one. */
export interface Messages {
  /**
   * Calls the handlers of a message and waits for them; none is no failure.
   *
   * @param target \`"orders/paid"\` is the message \`paid\` of the script \`orders\`; \`"paid"\` goes to every script that handles it
   * @param payload JSON data
   */
  send(target: string | { readonly script?: string; readonly name: string }, payload?: unknown): Promise<Delivery>;
}`;

const POINT_TYPES = `/**
 * Handles the messages of a name: at top level, or in an exported \`init()\`. \`context.payload\` is what was sent; a payload
 * that does not fit \`input\` (an arktype definition) counts as failed, and the handler is not called.
 */
export declare function registerMessageHandler<const Input>(
  name: string,
  options: { readonly input: Checked<Input> },
  handler: ((context: PointContext<Infer<Input>>) => unknown) | string,
): void;
export declare function registerMessageHandler(
  name: string,
  handler: ((context: PointContext) => unknown) | string,
): void;`;

const MAX_ERRORS = 20;

export default definePlugin({
  name: "messages",
  version: "1.0.0",
  config: {
    maxBytes: [["number.integer > 0", "@", "The most that a payload may take as JSON."], "=", 262_144],
  },
  setup({ config, point, service }) {
    let handlers: readonly PointRegistration[] = [];
    point("messages", {
      functions: { registerMessageHandler: { args: ["name", "options?", "handler"] } },
      definitions: ["input"],
      types: POINT_TYPES,
      validate({ script, name, id }, all) {
        if (name?.includes("/")) throw refuse(`"${name}" has a "/", which stands between a script and a name`);
        const twice = all.some((other) => other.script === script && other.name === name && other.id < id);
        if (twice) throw refuse("the script handles this message already; let one handler do both");
      },
      change: (next) => void (handlers = next),
    });
    service("messages", {
      types: SERVICE_TYPES,
      functions: { sendMessage: "send" },
      mutates: ["send"],
      methods: {
        async send({ invocation, user, signal }, target = null, payload = null) {
          const { script, name } = readTarget(target);
          const bytes = Buffer.byteLength(JSON.stringify(payload));
          if (bytes > config.maxBytes) {
            throw new ProblemError(
              "bad_request",
              `messages: a payload may take ${config.maxBytes} bytes; it has ${bytes}`,
            );
          }
          const called = handlers.filter((one) => one.name === name && (script === undefined || one.script === script));
          const input = { payload, parentId: invocation, user, signal };
          const ended = await Promise.allSettled(called.map(({ invoke }) => invoke?.(input)));
          const errors = ended.flatMap((one, at) =>
            one.status === "fulfilled" ? [] : [{ script: called[at]?.script ?? "", ...told(one.reason) }],
          );
          const counts = { delivered: called.length - errors.length, failed: errors.length };
          return errors.length === 0 ? counts : { ...counts, errors: errors.slice(0, MAX_ERRORS) };
        },
      },
    });
  },
});

function refuse(why: string): ProblemError {
  return new ProblemError("bad_registration", why);
}

function readTarget(target: Json): { readonly script?: string; readonly name: string } {
  if (typeof target === "string") {
    const [first = "", ...rest] = target.split("/");
    return rest.length === 0 ? { name: first } : { script: first, name: rest.join("/") };
  }
  const { script, name } = (target ?? {}) as { readonly [key: string]: Json };
  const some = script ?? undefined;
  if (typeof name === "string" && (some === undefined || typeof some === "string")) return { script: some, name };
  throw new ProblemError("bad_request", 'messages: send to "name", "script/name", or { script, name }');
}

/** What a handler threw is its own affair, unless it meant it for callers. */
function told(reason: unknown): { readonly code: string; readonly message: string } {
  if (!(reason instanceof ProblemError)) return { code: "internal", message: "The handler could not be called." };
  return { code: reason.code, message: reason.detail.slice(0, 500) };
}
