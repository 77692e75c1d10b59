/** The modules that the engine provides: thin views on what the realm put under one symbol. */
import type { BuildProblem, Offer } from "../../script/types.ts";
import { JSX_NAMES, POINTS_OF_PLUGINS, SDK_NAMES, SERVICES_OF_PLUGINS, TEMPLATE_NAMES } from "../realm/sdk-names.ts";

const SDK = "@aiwebengine/sdk";
/** There only where a script is built with its tests. */
export const TESTING = `${SDK}/testing`;
const REALM = 'globalThis[Symbol.for("aiwebengine.sdk")]';
const JSX: readonly string[] = [`${SDK}/jsx-runtime`, `${SDK}/jsx-dev-runtime`];
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

export function isVirtual(specifier: string): boolean {
  return specifier === SDK || specifier.startsWith(`${SDK}/`);
}

function namesOf(specifier: string, { services, points }: Offer): Iterable<string> | undefined {
  if (JSX.includes(specifier)) return JSX_NAMES;
  if (specifier === `${SDK}/templates`) return TEMPLATE_NAMES;
  if (specifier !== SDK) return undefined;
  // Functions of absent plugins are there, too: whoever calls one is told at that line which plugin is missing.
  const offered = [...Object.keys(points), ...Object.keys(services)].filter((name) => IDENTIFIER.test(name));
  return new Set([...SDK_NAMES, ...Object.keys(POINTS_OF_PLUGINS), ...offered]);
}

/** The module's source; undefined when there is no such module. */
export function virtualSource(specifier: string, offer: Offer): string | undefined {
  const names = namesOf(specifier, offer);
  if (names === undefined) return undefined;
  const lines = Array.from(names, (name) => `export const ${name} = /* @__PURE__ */ sdk(${JSON.stringify(name)});`);
  return `const sdk = (name) => ${REALM}[name];\n${lines.join("\n")}\n`;
}

export function virtualNames(): readonly string[] {
  return [SDK, `${SDK}/jsx-runtime`];
}

/** The problem of using a service whose plugin is absent; undefined for any other name. */
export function missingService(name: string): Pick<BuildProblem, "code" | "message" | "hint"> | undefined {
  const plugin = Object.hasOwn(SERVICES_OF_PLUGINS, name) ? SERVICES_OF_PLUGINS[name] : undefined;
  if (plugin === undefined) return undefined;
  return {
    code: "point_missing",
    message: `\`${name}\` is a service of the plugin "${plugin}", which this engine does not have.`,
    hint: `Add the plugin "${plugin}", or do without it.`,
  };
}
