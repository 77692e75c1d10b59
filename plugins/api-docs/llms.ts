/** `/llms.txt`: what this engine offers, in a page for agents. https://llmstxt.org */
import type { RouteInfo } from "../../sdk/plugin.ts";
import type { Info, Served } from "./document.ts";
import { EVENTS, isDescribed, line, tagsOf } from "./operation.ts";
import { shapeOf } from "./shape.ts";

/** Beside a route, in this order. */
const PARTS = [
  ["params", "Path"],
  ["query", "Query"],
  ["headers", "Headers"],
  ["body", "Body"],
  ["input", "Messages"],
  ["response", "Answer"],
] as const;

export function makeIndex(
  { routes, endpoints }: Served,
  { title, description }: Info,
  places: { readonly document: string; readonly page: string },
): string {
  const sorted = routes.filter(isDescribed).toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  const groups = Map.groupBy(sorted, (route) => tagsOf(route)[0] ?? route.owner);
  return [
    `# ${line(title) ?? "API"}`,
    `> ${line(description) ?? "Scripts and plugins that this engine serves over HTTP."}`,
    HOW,
    [
      `- [OpenAPI](${places.document}): every route with its parameters, bodies, answers and problems, as JSON`,
      `- [Documentation](${places.page}): the same for people, with a form to try each route`,
      ...endpoints.map(({ title: name, path, summary }) => `- [${line(name)}](${path}): ${line(summary) ?? ""}`),
    ].join("\n"),
    ...[...groups].toSorted(byName).map(([name, members]) => `## ${name}\n\n${members.map(tell).join("\n")}`),
    "",
  ].join("\n\n");
}

const HOW = `Paths are relative to where this file is; \`:name\` in one is a parameter, \`*\` the rest of it, with slashes. \
Bodies are sent as \`application/json\` unless told otherwise. A failure is an RFC 9457 problem (\`application/problem+json\`) \
with a stable \`code\`, and \`errors\` that name the fields which do not fit.`;

function tell(route: RouteInfo): string {
  const { method, path, options, schemas, produces, protocol } = route;
  const gone = options["deprecated"] === true ? " (deprecated)" : "";
  const facts = [
    ...(produces === EVENTS ? ["Server-sent events: ask with `accept: text/event-stream`."] : []),
    ...(protocol === "websocket" ? ["A WebSocket: messages are JSON, as text."] : []),
    ...PARTS.flatMap(([part, name]) => {
      const schema = schemas[part];
      return schema === undefined ? [] : [`${name}: ${code(shapeOf(schema))}`];
    }),
  ].join(" ");
  const summary = [line(options["summary"]), facts === "" ? undefined : facts].filter((one) => one !== undefined);
  return `- ${code(`${method} ${path}`)}${gone}${summary.length === 0 ? "" : `: ${summary.join(". ")}`}`;
}

/** Those of scripts first, as the routes are. */
function byName([a, [first]]: [string, readonly RouteInfo[]], [b, [second]]: [string, readonly RouteInfo[]]): number {
  const order = Number(first?.ofPlugin) - Number(second?.ofPlugin);
  return order === 0 ? (a < b ? -1 : 1) : order;
}

/** What a script wrote stays in it. */
function code(text: string): string {
  return `\`${text.replaceAll("`", "%60").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ")}\``;
}

function orderOf({ path, method, ofPlugin }: RouteInfo): string {
  return JSON.stringify([ofPlugin ? 1 : 0, path, method]);
}
