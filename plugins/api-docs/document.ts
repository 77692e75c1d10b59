/** The OpenAPI 3.1 document of what serves. https://spec.openapis.org/oas/v3.1.1 */
import type { EndpointInfo, Json, RouteInfo } from "../../sdk/plugin.ts";
import { isDescribed, operationOf, tagsOf } from "./operation.ts";
import { formsOf, namesOf, templateOf, type PathForm } from "./path.ts";
import { PROBLEM_SCHEMA, problemResponses } from "./problems.ts";
import { Components } from "./schema.ts";

export interface Info {
  readonly title: string;
  readonly version: string;
  readonly description: string;
}

/** What a route of any method is shown with. */
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

interface PathItem {
  readonly template: string;
  readonly names: readonly string[];
  readonly operations: { [method: string]: Json };
}

/** What is served, as the engine tells it. */
export interface Served {
  readonly routes: readonly RouteInfo[];
  /** They speak protocols of their own, which OpenAPI has no words for. */
  readonly endpoints: readonly EndpointInfo[];
}

export function makeDocument({ routes: all, endpoints }: Served, { title, version, description }: Info): Json {
  const routes = all.filter(isDescribed);
  const components = new Components();
  const items = new Map<string, PathItem>();
  const entries = routes
    .flatMap((route) => formsOf(route.path).map((form) => ({ route, form })))
    // In one order, whichever script came first; a route of any method fills what others leave.
    .toSorted((a, b) => compare(orderOf(a), orderOf(b)));
  for (const { route, form } of entries) {
    const item = itemOf(items, form);
    for (const method of route.method === "ANY" ? METHODS : [route.method]) {
      item.operations[method.toLowerCase()] ??= operationOf({ route, method, form, names: item.names, components });
    }
  }
  return {
    openapi: "3.1.1",
    info: { title, version, ...(description === "" ? {} : { description }) },
    servers: [{ url: "/" }],
    tags: tags(routes),
    ...(endpoints.length === 0
      ? {}
      : { "x-endpoints": endpoints.map(({ title: of, path, summary }) => ({ title: of, path, summary })) }),
    paths: Object.fromEntries([...items.values()].map(({ template, operations }) => [template, operations])),
    components: { schemas: { Problem: PROBLEM_SCHEMA, ...components.schemas }, responses: problemResponses() },
  };
}

/** The first form of a shape names its parameters: OpenAPI does not know the same path with other names. */
function itemOf(items: Map<string, PathItem>, form: PathForm): PathItem {
  const known = items.get(form.shape);
  if (known !== undefined) return known;
  const names = namesOf(form);
  const made = { template: templateOf(form, names), names, operations: {} };
  items.set(form.shape, made);
  return made;
}

function orderOf({ route, form }: { readonly route: RouteInfo; readonly form: PathForm }): string {
  return JSON.stringify([form.shape, route.method === "ANY" ? 1 : 0, templateOf(form, namesOf(form)), route.method]);
}

/** Those of scripts first. */
function tags(routes: readonly RouteInfo[]): Json {
  const ofScripts = new Set(routes.filter(({ ofPlugin }) => !ofPlugin).flatMap(tagsOf));
  const ofPlugins = new Set(routes.filter(({ ofPlugin }) => ofPlugin).flatMap(tagsOf));
  const sorted = (names: Set<string>): string[] => [...names].toSorted(compare);
  const description = "Of a plugin of the engine.";
  return [
    ...sorted(ofScripts).map((name) => ({ name })),
    ...sorted(ofPlugins.difference(ofScripts)).map((name) => ({ name, description })),
  ];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
