/** What script authors see: the declarations of the three registration functions. `sdk/services.ts` has the same. */

export const TOOL_TYPES = `/** Hints for who shows or confirms a tool; the Model Context Protocol says that nobody need believe them. */
export interface ToolAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** What an agent is told of a tool. \`output\` is an arktype definition of an object; every answer is checked against it. */
export interface ToolOptions {
  readonly title?: string;
  readonly description?: string;
  readonly output?: unknown;
  readonly annotations?: ToolAnnotations;
}

/**
 * A tool for agents that speak MCP: at top level, or in an exported \`init()\`. \`context.args\` is what the agent gave; what
 * does not fit \`input\` (an arktype definition of an object) is refused, with the names of the fields, before the handler is
 * called. An answer is text, JSON data, or \`{ content: [...] }\` as MCP has it; with \`output\`, data that fits it.
 */
export declare function registerToolHandler<const Input>(
  name: string,
  options: ToolOptions & { readonly input: Checked<Input> },
  handler: ((context: PointContext<undefined, Infer<Input>>) => unknown) | string,
): void;
export declare function registerToolHandler(
  name: string,
  options: ToolOptions,
  handler: ((context: PointContext<undefined, { readonly [name: string]: unknown }>) => unknown) | string,
): void;

/** Another name of \`registerToolHandler\`. */
export declare const registerMCPTool: typeof registerToolHandler;`;

export const PROMPT_TYPES = `/**
 * A prompt that people pick in their agent. \`arguments\` is an arktype definition of an object of texts; alternatives such as
 * \`"'short' | 'long'"\` are offered as completions. An answer is text (one message of the user) or \`{ messages: [...] }\`.
 */
export declare function registerPromptHandler<const Arguments>(
  name: string,
  options: { readonly title?: string; readonly description?: string; readonly arguments: Checked<Arguments> },
  handler: ((context: PointContext<undefined, Infer<Arguments>>) => unknown) | string,
): void;
export declare function registerPromptHandler(
  name: string,
  options: { readonly title?: string; readonly description?: string },
  handler: ((context: PointContext) => unknown) | string,
): void;

/** Another name of \`registerPromptHandler\`. */
export declare const registerMCPPrompt: typeof registerPromptHandler;`;

export const RESOURCE_TYPES = `/**
 * A resource that agents read: a URI (\`"notes://all"\`), or a template of one (\`"notes://{id}"\`) whose variables, decoded,
 * are in \`context.args\` beside \`uri\`. An answer is text, JSON data, \`{ blob }\` in base64, or \`{ contents: [...] }\`; nothing
 * (null) says that there is no such resource.
 */
export declare function registerResourceHandler(
  uri: string,
  options: {
    readonly name?: string;
    readonly title?: string;
    readonly description?: string;
    readonly mimeType?: string;
  },
  handler: ((context: PointContext<undefined, { readonly [name: string]: string }>) => unknown) | string,
): void;

/** Another name of \`registerResourceHandler\`. */
export declare const registerMCPResource: typeof registerResourceHandler;`;
