/** What agents see at one address: the registrations of all scripts, or of one, and their lists as MCP writes them. */
import { ProblemError, type Json, type PointRegistration } from "../../sdk/plugin.ts";
import { matchTemplate, readTemplate, type UriTemplate } from "./uri.ts";

type Schema = { readonly [key: string]: Json };
type Registrations = readonly PointRegistration[];

export interface Offered {
  readonly tools: Registrations;
  readonly prompts: Registrations;
  readonly resources: Registrations;
}

export interface Lists {
  readonly tools: readonly object[];
  readonly prompts: readonly object[];
  readonly resources: readonly object[];
  readonly templates: readonly object[];
}

export interface Surface {
  readonly tools: ReadonlyMap<string, PointRegistration>;
  readonly prompts: ReadonlyMap<string, PointRegistration>;
  /** By the template itself. */
  readonly templates: ReadonlyMap<string, PointRegistration>;
  readonly lists: Lists;
  /** Who answers for a URI, with what its template found. */
  resource(uri: string): { readonly registration: PointRegistration; readonly args: Schema } | undefined;
}

/** The key of the address that shows every script's; no script has this name. */
export const ALL = "";

/** By script, and under `ALL` everything. An address without anything is absent. */
export function makeSurfaces(offered: Offered): ReadonlyMap<string, Surface> {
  const all = [...offered.tools, ...offered.prompts, ...offered.resources];
  const scopes = new Set(all.map(({ script }) => script));
  if (scopes.size > 0) scopes.add(ALL);
  return new Map([...scopes].map((scope) => [scope, makeSurface(scope, offered)]));
}

function makeSurface(scope: string, offered: Offered): Surface {
  const own = (list: Registrations): Registrations =>
    scope === ALL ? list : list.filter(({ script }) => script === scope);
  const byName = (list: Registrations): ReadonlyMap<string, PointRegistration> =>
    new Map(list.map((one) => [one.name ?? "", one]));
  const tools = byName(own(offered.tools));
  const prompts = byName(own(offered.prompts));
  const fixed = new Map<string, PointRegistration>();
  const templates: { readonly template: UriTemplate; readonly registration: PointRegistration }[] = [];
  for (const registration of own(offered.resources)) {
    const uri = registration.name ?? "";
    const template = readTemplate(uri);
    if (template === null) fixed.set(uri, registration);
    else templates.push({ template, registration });
  }
  return {
    tools,
    prompts,
    templates: byName(templates.map(({ registration }) => registration)),
    lists: {
      tools: [...tools.values()].map(toolOf),
      prompts: [...prompts.values()].map(promptOf),
      resources: [...fixed.values()].map((one) => resourceOf(one, "uri")),
      templates: templates.map(({ registration }) => resourceOf(registration, "uriTemplate")),
    },
    resource(uri) {
      const exact = fixed.get(uri);
      if (exact !== undefined) return { registration: exact, args: { uri } };
      for (const { template, registration } of templates) {
        const args = matchTemplate(template, uri);
        if (args !== null) return { registration, args: { ...args, uri } };
      }
      return undefined;
    },
  };
}

function toolOf({ name = "", options, schemas }: PointRegistration): object {
  const { input = { type: "object" }, output } = schemas;
  return { name, ...options, inputSchema: input, ...(output && { outputSchema: output }) };
}

function promptOf({ name = "", options, schemas }: PointRegistration): object {
  const { properties = {}, required = [] } = schemas["arguments"] ?? {};
  const list = Object.entries(properties as { readonly [name: string]: Schema }).map(([argument, schema]) => ({
    name: argument,
    ...(schema["description"] !== undefined && { description: schema["description"] }),
    required: (required as readonly string[]).includes(argument),
  }));
  return { name, ...options, ...(list.length > 0 && { arguments: list }) };
}

function resourceOf({ name: uri = "", options }: PointRegistration, key: "uri" | "uriTemplate"): object {
  return { ...options, name: options["name"] ?? uri, [key]: uri };
}

/** The texts that an argument of a prompt may be; none where it may be any. */
export function choicesOf({ schemas }: PointRegistration, argument: string): readonly string[] {
  const properties = (schemas["arguments"]?.["properties"] ?? {}) as { readonly [name: string]: Schema };
  const { enum: choices, const: only } = (Object.hasOwn(properties, argument) && properties[argument]) || {};
  return ((choices ?? (only === undefined ? [] : [only])) as readonly Json[]).filter((one) => typeof one === "string");
}

const TOOL_NAME = /^[A-Za-z0-9_./-]{1,128}$/;

/** @throws ProblemError with a sentence for the author. */
export function validateTool(one: PointRegistration, all: Registrations): void {
  if (!TOOL_NAME.test(one.name ?? "")) {
    throw refuse('a tool\'s name is up to 128 letters, digits, "_", "-", "." and "/"');
  }
  for (const part of ["input", "output"] as const) wantObject(one, part);
  const annotations = one.options["annotations"] as Schema | undefined;
  const odd = Object.entries(annotations ?? {}).find(([key, value]) => typeof value !== HINTS[key]);
  if (odd !== undefined) {
    const known = Object.entries(HINTS).map(
      ([key, type]) => `${key} (${type === "string" ? "text" : "true or false"})`,
    );
    throw refuse(`the annotation "${odd[0]}" is none; there are ${known.join(", ")}`);
  }
  unique(one, all);
}

const HINTS: { readonly [key: string]: string } = {
  title: "string",
  readOnlyHint: "boolean",
  destructiveHint: "boolean",
  idempotentHint: "boolean",
  openWorldHint: "boolean",
};

/** @throws ProblemError */
export function validatePrompt(one: PointRegistration, all: Registrations): void {
  wantObject(one, "arguments");
  const properties = (one.schemas["arguments"]?.["properties"] ?? {}) as { readonly [name: string]: Schema };
  for (const [name, { type, enum: choices, const: only }] of Object.entries(properties)) {
    const values = (choices ?? [only]) as readonly (Json | undefined)[];
    if (type === "string" || values.every((value) => typeof value === "string")) continue;
    throw refuse(`the argument "${name}" must be a text: people type the arguments of prompts`);
  }
  unique(one, all);
}

/** @throws ProblemError */
export function validateResource(one: PointRegistration, all: Registrations): void {
  try {
    readTemplate(one.name ?? "");
  } catch (error) {
    throw refuse((error as Error).message);
  }
  unique(one, all);
}

function wantObject({ schemas }: PointRegistration, part: string): void {
  const schema = schemas[part];
  if (schema === undefined || schema["type"] === "object") return;
  throw refuse(`\`${part}\` must be an object of named fields: MCP has nothing else there`);
}

function unique(one: PointRegistration, all: Registrations): void {
  const holder = all.find((other) => other !== one && other.name === one.name && before(other, one));
  if (holder === undefined) return;
  const who = holder.script === one.script ? "this script has it already" : `the script "${holder.script}" has it`;
  throw refuse(`${who}; names are shared by all scripts, so choose another`);
}

/** Within a script the first wins; of two scripts, the one that is new here is the one that is asked about. */
function before(other: PointRegistration, one: PointRegistration): boolean {
  return other.script !== one.script || other.id < one.id;
}

function refuse(why: string): ProblemError {
  return new ProblemError("bad_registration", why);
}
