/** The modules that the engine provides: thin views on what the realm put under one symbol. */
import type { BuildProblem } from "../../script/types.ts";
import { JSX_NAMES, SDK_NAMES } from "../realm/sdk-names.ts";

const SDK = "@aiwebengine/sdk";
const REALM = 'globalThis[Symbol.for("aiwebengine.sdk")]';

const MODULES: { readonly [specifier: string]: readonly string[] } = {
  [SDK]: SDK_NAMES,
  [`${SDK}/jsx-runtime`]: JSX_NAMES,
  [`${SDK}/jsx-dev-runtime`]: JSX_NAMES,
};

/** Registration functions of plugins, so that a script that needs an absent one is told which. */
const OF_PLUGINS: { readonly [name: string]: string } = {
  registerWebStream: "streams",
  sendStreamMessage: "streams",
  registerQueryHandler: "graphql",
  registerMutationHandler: "graphql",
  registerSubscriptionHandler: "graphql",
  sendSubscriptionMessage: "graphql",
  registerGraphQLQuery: "graphql",
  registerGraphQLMutation: "graphql",
  registerGraphQLSubscription: "graphql",
  registerToolHandler: "mcp",
  registerPromptHandler: "mcp",
  registerResourceHandler: "mcp",
  registerMCPTool: "mcp",
  registerMCPPrompt: "mcp",
  registerJobHandler: "jobs",
  registerSchedule: "jobs",
  enqueue: "jobs",
};

export function isVirtual(specifier: string): boolean {
  return specifier === SDK || specifier.startsWith(`${SDK}/`);
}

/** The module's source; undefined when there is no such module. */
export function virtualSource(specifier: string): string | undefined {
  const names = Object.hasOwn(MODULES, specifier) ? MODULES[specifier] : undefined;
  if (names === undefined) return undefined;
  // A name that this engine's realm lacks is undefined there, and a script that calls it hears so at that line.
  const lines = names.map((name) => `export const ${name} = /* @__PURE__ */ sdk(${JSON.stringify(name)});`);
  return `const sdk = (name) => ${REALM}[name];\n${lines.join("\n")}\n`;
}

export function virtualNames(): readonly string[] {
  return Object.keys(MODULES).filter((name) => !name.endsWith("-dev-runtime"));
}

/** The problem of using a registration function whose plugin is absent; undefined for any other name. */
export function missingPoint(name: string): Pick<BuildProblem, "code" | "message" | "hint"> | undefined {
  const plugin = Object.hasOwn(OF_PLUGINS, name) ? OF_PLUGINS[name] : undefined;
  if (plugin === undefined) return undefined;
  return {
    code: "point_missing",
    message: `\`${name}\` is offered by the plugin "${plugin}", which this engine does not have.`,
    hint: `Add the plugin "${plugin}", or remove the call.`,
  };
}
