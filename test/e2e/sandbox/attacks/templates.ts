/** Attacks by templates: files of strangers, code that wants out of its function or its realm, bombs for their compiler. */
import type { Attack } from "../attack.ts";

const PASSWD = "root:x:0:0";

/** A folder whose route renders `a.eta`. */
const template = (
  name: string,
  tries: string,
  text: string,
  outcome: Attack["outcome"],
  { beside = {}, ...more }: Partial<Attack> & { readonly beside?: Readonly<Record<string, string>> } = {},
): Attack => {
  const folder = `scripts/template-${name}`;
  const files: Record<string, string> = {
    [`${folder}/index.ts`]: `import { registerWebHandler, render } from "@aiwebengine/sdk";\nregisterWebHandler("GET /attack/template-${name}", ({ query }) => String(render("a", query)));\n`,
    [`${folder}/templates/a.eta`]: text,
  };
  for (const [path, content] of Object.entries(beside)) files[`${folder}/${path}`] = content;
  return { name: `template-${name}`, group: "build", tries, outcome, secret: PASSWD, files, ...more };
};

const HOST = `[typeof process, typeof Bun, typeof require?.("node:fs"), typeof globalThis.Bun]`;

export const templates: readonly Attack[] = [
  template("include-outside", "includes a file outside", '<%~ include("../../../canary.txt") %>', "refused"),
  template("include-absolute", "includes by an absolute path", '<%~ include("/etc/passwd") %>', "refused"),
  template(
    "layout-neighbour",
    "takes a neighbour's file as its layout",
    '<% layout("../../neighbour/secret") %>',
    "refused",
  ),
  template("include-code", "includes its own code as a template", '<%~ include("../index.ts") %>', "refused"),
  template("include-name", "includes what the query names", "<%~ include(it.name) %>", "refused"),
  template(
    "include-quoted",
    "breaks out of the import that an include becomes",
    '<%~ include("./x\\"; import fs from \\"node:fs\\"; //") %>',
    "refused",
  ),
  template("link", "has a template that is a link to a file outside", '<%~ include("./link") %>', "refused", {
    links: { "scripts/template-link/templates/link.eta": "/etc/passwd" },
  }),
  template("folder-link", "renders from a folder that is a link", "nothing", "survived", {
    beside: {
      "index.ts": `import { registerWebHandler, render } from "@aiwebengine/sdk";\nregisterWebHandler("GET /attack/template-folder-link", () => { try { return String(render("etc/passwd")); } catch (error) { return String(error); } });\n`,
    },
    links: { "scripts/template-folder-link/templates/etc": "/etc" },
  }),
  template(
    "break-out",
    "ends its function and imports a module of the host",
    '<% }); import fs from "node:fs"; (() => { %>',
    "refused",
  ),
  template(
    "dynamic-import",
    "imports a module of the host while it renders",
    '<% import("node:fs").then((fs) => it.out = fs) %>x',
    "refused",
  ),
  template("with", "opens its data with `with`", "<% with (it) { %>x<% } %>", "refused"),
  template("function", "makes code from a string", "<%= Function('return process')() %>", "survived"),
  template(
    "constructor",
    "makes code through the constructor of what it is given",
    '<%= include.constructor("return process")() %><%= $.constructor.constructor("return process")() %>',
    "survived",
  ),
  template("host", "looks for the host", `<%~ JSON.stringify(${HOST}) %>`, "survived"),
  template(
    "forged-html",
    "passes an object for HTML",
    '<%= ({ toString: () => "<script>", "~html": true, __proto__: include("b") }) %>',
    "survived",
    {
      beside: { "templates/b.eta": "b" },
    },
  ),
  template("endless", "includes itself without end", '<%~ include("./a") %>', "survived"),
  template("loop", "never stops rendering", "<% for (;;) output('x') %>", "survived", { slow: true }),
  template("tags", "has a hundred thousand tags", "<%= it.x %>".repeat(100_000), "survived", {
    slow: true,
    limits: { loadMs: 1500 },
  }),
  template("open-tags", "opens a hundred thousand tags in a string", `<%= "${"<%".repeat(100_000)}" %>`, "survived"),
  template("quotes", "has a hundred thousand strings and no end", `<%= ${"'a'+".repeat(100_000)}`, "refused"),
  template("deep", "nests fifty thousand parentheses", `<%= ${"(".repeat(50_000)}1${")".repeat(50_000)} %>`, "refused"),
];
