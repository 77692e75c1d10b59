/** The declarations of what plugins give to scripts: services, functions, and what registers at points. */
import { SDK_NAMES } from "../../isolate/realm/sdk-names.ts";

export interface ServiceTypes {
  /** The name in the context and in the SDK: `kv`. */
  readonly name: string;
  /** Declarations, among them `export interface Kv`: the name with a capital letter. */
  readonly types: string;
  /** Methods that are functions, too: `{ sendMessage: "send" }`. */
  readonly functions?: { readonly [fn: string]: string } | undefined;
}

/** A kind of registration that a plugin owns. */
export interface PointTypes {
  /** Its registration functions and their aliases; and whatever else its declarations give scripts to call. */
  readonly names: readonly string[];
  /** Declarations. They may use what `services.d.ts` imports, below. */
  readonly types: string;
}

export interface GivenTypes {
  readonly services: readonly ServiceTypes[];
  readonly points?: readonly PointTypes[];
}

/** What the declarations of plugins may use (docs/plugins.md names it), by the file of the SDK that has it. */
const FOR_PLUGINS = {
  "./context.ts": ["Context", "PathParams", "PointContext"],
  "./schema.ts": ["Checked", "Infer", "InferInput", "Json", "JsonForm"],
} as const;
const SERVICE_NAME = /^[a-z][A-Za-z0-9]*$/;

/** `services.d.ts` beside scripts. */
export function servicesText(given: GivenTypes): string {
  const names = Object.values(FOR_PLUGINS).flat().sort();
  return `import type { ${names.join(", ")} } from "./sdk.js";\n\n${declarations(given)}`;
}

/** `sdk/services.ts`: the same of the plugins of the binary, for those who have the SDK from npm. */
export function sdkServicesText(given: GivenTypes): string {
  const body = declarations(given);
  const imports = Object.entries(FOR_PLUGINS).map(([file, names]) => {
    const used = names.filter((name) => new RegExp(`\\b${name}\\b`).test(body));
    return `import type { ${used.join(", ")} } from "${file}";\n`;
  });
  return `/** What the plugins of the binary give to scripts. Written by \`npm run build\` from their own declarations. */
${imports.join("")}\n${body}`;
}

/** `script-globals.d.ts`: what a script has without importing it, the form of scripts without import and export. */
export function scriptGlobalsText({ services, points = [] }: GivenTypes): string {
  const names = new Set<string>([
    ...SDK_NAMES,
    ...services.flatMap(({ name, functions = {} }) => [name, ...Object.keys(functions)]),
    ...points.flatMap((point) => point.names),
  ]);
  return [...names].map((name) => `declare var ${name}: typeof import("@aiwebengine/sdk").${name};\n`).join("");
}

function declarations({ services, points = [] }: GivenTypes): string {
  const types = [...services, ...points].map((declared) => `${declared.types.trim()}\n\n`);
  const fields = services.map((service) => `  readonly ${service.name}: ${typeOf(service)};\n`);
  const values = services.flatMap((service) => [
    `/** The same object as \`context.${service.name}\`; outside an invocation its methods throw \`not_in_invocation\`. */
export declare const ${service.name}: ${typeOf(service)};\n`,
    ...Object.entries(service.functions ?? {}).map(
      ([fn, method]) =>
        `/** The short form of \`${service.name}.${method}\`. */\nexport declare const ${fn}: ${typeOf(service)}["${method}"];\n`,
    ),
  ]);
  return `${types.join("")}/** Services by the name under which a handler finds them. */
export interface Services {\n${fields.join("")}}\n\n${values.join("")}`;
}

function typeOf(service: ServiceTypes): string {
  if (!SERVICE_NAME.test(service.name)) throw new Error(`"${service.name}" is no name for a service: use camelCase.`);
  const name = service.name[0]!.toUpperCase() + service.name.slice(1);
  if (!service.types.includes(`export interface ${name} `)) {
    throw new Error(`The types of the service "${service.name}" must have "export interface ${name} { … }".`);
  }
  return name;
}
