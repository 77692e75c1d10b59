/** `/llms.txt`: what this engine offers, in a page for agents. https://llmstxt.org */
import type { RouteInfo } from "../../sdk/plugin.ts";
import type { Info } from "./document.ts";
import { line, tagsOf } from "./operation.ts";

/** What agents and programs speak besides HTTP, where a plugin of the name serves it. */
const ENDPOINTS = [
  { owner: "mcp", title: "MCP", says: "tools, prompts and resources for agents" },
  { owner: "graphql", title: "GraphQL", says: "queries, mutations and subscriptions" },
];

export function makeIndex(
  routes: readonly RouteInfo[],
  { title, description }: Info,
  places: { readonly document: string; readonly page: string },
): string {
  const sorted = routes.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  const endpoints = ENDPOINTS.flatMap(({ owner, title: name, says }) => {
    const route = sorted.find((one) => one.ofPlugin && one.owner === owner);
    return route === undefined ? [] : [`- [${name}](${route.path}): ${says}`];
  });
  const groups = Map.groupBy(sorted, (route) => tagsOf(route)[0] ?? route.owner);
  return [
    `# ${line(title) ?? "API"}`,
    `> ${line(description) ?? "Scripts and plugins that this engine serves over HTTP."}`,
    "Failures are RFC 9457 problems (`application/problem+json`) with a stable `code`. `:name` in a path is a parameter.",
    [
      `- [OpenAPI](${places.document}): every route with its parameters, bodies and answers, as JSON`,
      `- [Documentation](${places.page}): the same for people`,
      ...endpoints,
    ].join("\n"),
    ...[...groups].map(([name, members]) => `## ${name}\n\n${members.map(tell).join("\n")}`),
    "",
  ].join("\n\n");
}

function tell({ method, path, options }: RouteInfo): string {
  const summary = line(options["summary"]);
  const gone = options["deprecated"] === true ? " (deprecated)" : "";
  return `- \`${method} ${path.replaceAll("`", "%60")}\`${gone}${summary === undefined ? "" : `: ${summary}`}`;
}

function orderOf({ path, method, ofPlugin }: RouteInfo): string {
  return JSON.stringify([ofPlugin ? 1 : 0, path, method]);
}
