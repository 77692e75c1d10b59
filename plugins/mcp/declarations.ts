/** What script authors see: the declarations of the service and of the registration functions. */

export const SERVICE_TYPES = `/** How much a log message matters, from the least (RFC 5424). */
export type McpLogLevel = "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency";

/** A tool of another server. */
export interface McpTool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  /** JSON Schema. */
  readonly inputSchema: { readonly [key: string]: unknown };
  readonly outputSchema?: { readonly [key: string]: unknown };
  readonly annotations?: ToolAnnotations;
}

/** A piece of what a server answered: \`{ type: "text", text }\`, an image, a resource, … */
export interface McpContent {
  readonly type: string;
  readonly text?: string;
  readonly [key: string]: unknown;
}

/** What a tool of another server answered. Nothing of it was checked: it is a stranger's. */
export interface McpToolResult {
  readonly content: readonly McpContent[];
  readonly structuredContent?: { readonly [key: string]: unknown };
  /** The tool failed, and \`content\` says why. */
  readonly isError?: boolean;
}

/** A resource of another server, or a template of some. */
export interface McpResource {
  readonly name: string;
  readonly uri?: string;
  readonly uriTemplate?: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
}

/** A prompt of another server. */
export interface McpPrompt {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly arguments?: readonly { readonly name: string; readonly description?: string; readonly required?: boolean }[];
}

/** A connection to another server. It ends with the invocation that made it. */
export interface McpConnection {
  listTools(): Promise<readonly McpTool[]>;
  callTool(name: string, args?: { readonly [name: string]: unknown }): Promise<McpToolResult>;
  listResources(): Promise<readonly McpResource[]>;
  listResourceTemplates(): Promise<readonly McpResource[]>;
  readResource(uri: string): Promise<{
    readonly contents: readonly {
      readonly uri: string;
      readonly mimeType?: string;
      readonly text?: string;
      /** Base64. */
      readonly blob?: string;
    }[];
  }>;
  listPrompts(): Promise<readonly McpPrompt[]>;
  getPrompt(
    name: string,
    args?: { readonly [name: string]: string },
  ): Promise<{
    readonly description?: string;
    readonly messages: readonly { readonly role: "user" | "assistant"; readonly content: McpContent }[];
  }>;
  /** Says farewell. Not needed, but kind to a server that keeps sessions. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The agent that called, and other servers. */
export interface Mcp {
  /**
   * Tells the agent how far the call is. What is not more than before is left out.
   *
   * @param total of which \`done\` is a part
   * @returns whether it was told: false where the agent did not ask, and outside of an agent's call
   */
  progress(done: number, total?: number | null, message?: string | null): Promise<boolean>;
  /** Tells the agent something that its user may read. Whether it was told: agents choose the least level. */
  log(level: McpLogLevel, data: unknown): Promise<boolean>;
  /** Tells the agents that subscribed to a resource of this script that it is another now. */
  resourceChanged(uri: string): Promise<void>;
  /**
   * Connects to another server, over the script's own \`fetch\`: its hosts, limits and secrets hold.
   *
   * @param options \`headers\` of every request: \`{ authorization: "Bearer {{secret:TOOLS}}" }\`
   */
  connect(url: string, options?: { readonly headers?: { readonly [name: string]: string } }): Promise<McpConnection>;
}`;

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

export const PROMPT_TYPES = `/** What \`complete\` is asked: the values of one argument of a prompt, or of one variable of a template. */
export interface CompletionArgs {
  /** Which. */
  readonly argument: string;
  /** What was typed so far. */
  readonly value: string;
  /** The others, as far as they are known. */
  readonly arguments: { readonly [name: string]: string };
}

/** Gives the values that there may be, of which the first 100 are offered. */
export type Complete =
  ((context: PointContext<undefined, CompletionArgs>) => readonly string[] | Promise<readonly string[]>) | string;

/**
 * A prompt that people pick in their agent. \`arguments\` is an arktype definition of an object of texts; alternatives such as
 * \`"'short' | 'long'"\` are offered as completions, or what \`complete\` gives. An answer is text (one message of the user) or \`{ messages: [...] }\`.
 */
export declare function registerPromptHandler<const Arguments>(
  name: string,
  options: {
    readonly title?: string;
    readonly description?: string;
    readonly arguments: Checked<Arguments>;
    readonly complete?: Complete;
  },
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
    /** Of the variables of a template. */
    readonly complete?: Complete;
  },
  handler: ((context: PointContext<undefined, { readonly [name: string]: string }>) => unknown) | string,
): void;

/** Another name of \`registerResourceHandler\`. */
export declare const registerMCPResource: typeof registerResourceHandler;`;
