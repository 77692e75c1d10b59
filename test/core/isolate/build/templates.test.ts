/** Templates: built to strict code with the author's positions, escaped, and inside the script's own folders. */
import { describe, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { positionAt } from "../../../../core/isolate/build/code-frame.ts";
import { listFiles } from "../../../../core/isolate/build/list.ts";
import { Fragment, jsx, jsxs, raw } from "../../../../core/isolate/realm/jsx.ts";
import { makeLookup } from "../../../../core/isolate/realm/sourcemap.ts";
import { defineTemplates, render, template } from "../../../../core/isolate/realm/templates.ts";
import { evaluate, project, tryBundle, type Tried } from "./project.ts";

const SDK = { template, defineTemplates, render, jsx, jsxs, Fragment, raw };
const ENTRY = 'import { render } from "@aiwebengine/sdk"; export const show = (name, data) => `${render(name, data)}`;';

async function build(templates: Record<string, string>, entry = ENTRY): Promise<Tried> {
  const files = Object.entries(templates).map(([file, text]) => [
    /^(?:other|_shared)\//.test(file) ? file : `site/templates/${file}`,
    text,
  ]);
  using scripts = project({ "site/index.ts": entry, ...Object.fromEntries(files) });
  return await tryBundle(scripts.scope("site/index.ts"));
}

async function show(templates: Record<string, string>, name: string, data?: unknown): Promise<string> {
  const { bundled, problems } = await build(templates);
  if (bundled === undefined) throw new Error(JSON.stringify(problems));
  return (evaluate(bundled, SDK).exports["show"] as (name: string, data: unknown) => string)(name, data);
}

const EVIL = `<script>alert("1")</script>&'`;
const SAFE = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;";

describe("rendering", () => {
  test("<%= escapes, <%~ does not, HTML that JSX or raw made passes, nothing is shown for nothing", async () => {
    expect(await show({ "a.eta": "<%= it.x %>" }, "a", { x: EVIL })).toBe(SAFE);
    expect(await show({ "a.eta": '<p title="<%= it.x %>">' }, "a", { x: EVIL })).toBe(`<p title="${SAFE}">`);
    expect(await show({ "a.eta": "<%~ it.x %>" }, "a", { x: EVIL })).toBe(EVIL);
    expect(await show({ "a.eta": "<%= it.x %>|<%= it.y %>" }, "a", { x: raw("<b>"), y: jsx("i", {}) })).toBe(
      "<b>|<i></i>",
    );
    expect(await show({ "a.eta": "[<%= it.none %><%= null %><%~ it.none %>]" }, "a")).toBe("[]");
    expect(await show({ "a.eta": "<%= it.list %>" }, "a", { list: ["<", 1, raw("<br>")] })).toBe("&lt;1<br>");
  });

  test("an object is no text, also one that dresses up as HTML or as a string", async () => {
    for (const x of [
      { toString: () => EVIL },
      { "~html": true, toString: () => EVIL },
      Object.create(raw("<b>")),
      () => EVIL,
    ]) {
      expect(await show({ "a.eta": "<%= it.x %>" }, "a", { x }).catch(String)).toContain("TypeError");
    }
  });

  test("loops, conditions, comments, strings with tags in them, trimming, Windows line ends", async () => {
    const text =
      "<% for (const x of it.xs) { // each %>\r\n<%= x %>,\n<% } /* %> */ %>\n<%= '%>' %><% if (it.no) { %>no<% } else { %>yes<% } -%>\n.";
    expect(await show({ "a.eta": text.replace("// each ", "") }, "a", { xs: [1, 2] })).toBe("1,\n2,\n%&gt;yes.");
    expect(
      await show({ "a.eta": "a\n<% // a comment to the end of its tag %>\nb<% // and of its line %>c" }, "a"),
    ).toBe("a\nbc");
    expect(await show({ "a.eta": "it's `\\` ${x} <_%= \u2028 $& " }, "a")).toBe("it's `\\` ${x} <_%= \u2028 $& ");
  });

  test("include, with data on top of the page's; names from beside it and from templates/; a tree that includes itself", async () => {
    const templates = {
      "page.eta": '<% for (const name of it.names) { %><%~ include("./rows/row", { name }) %><% } %>',
      "rows/row.eta": '<%= it.title %>:<%= it.name %><%= include("end") %>',
      "end.eta": ";",
      "tree.eta":
        '(<%= it.v %><% for (const t of it.kids ?? []) { %><%~ include("./tree.eta", { kids: [], ...t }) %><% } %>)',
    };
    expect(await show(templates, "page", { title: "<t>", names: ["a", "b"] })).toBe("&lt;t&gt;:a;&lt;t&gt;:b;");
    expect(await show(templates, "rows/row", { title: 1, name: 2 })).toBe("1:2;");
    expect(await show(templates, "tree", { v: 1, kids: [{ v: 2, kids: [{ v: 3 }] }, { v: 4 }] })).toBe("(1(2(3))(4))");
  });

  test("layout and blocks, over two layouts; capture and output", async () => {
    const templates = {
      "page.eta": '<% layout("outer", { title: "T" }) %><% block("head", () => { %><link><% }) %>text <%= it.x %>',
      "outer.eta": '<% layout("./base") %><main><%~ it.body %></main>',
      "base.eta":
        '<title><%= it.title %></title><%~ block("head", () => { %>none<% }) %>|<%~ block("foot", () => { %>foot<% }) %>|<%= it.body %>',
      "plain.eta": '<% layout("base") %>p',
      "capture.eta": '<% const b = capture(() => { %><b><%= it.x %></b><% }) %>[<%= b %>]<% output("<hr>") %>',
    };
    expect(await show(templates, "page", { x: "<" })).toBe("<title>T</title><link>|foot|<main>text &lt;</main>");
    expect(await show(templates, "plain")).toBe("<title></title>none|foot|p");
    expect(await show(templates, "capture", { x: "&" })).toBe("[<b>&amp;</b>]<hr>");
  });

  test("data cannot bring blocks, names or a prototype", async () => {
    const templates = { "page.eta": '<%~ block("head", () => { %>mine<% }) %><%= it.__blocks ? 1 : 0 %>' };
    const data = JSON.parse(
      '{ "__blocks": { "head": "theirs" }, "blocks": { "head": "theirs" }, "__proto__": { "x": 1 } }',
    );
    expect(await show(templates, "page", data)).toBe("mine1");
    expect(({} as { x?: number }).x).toBeUndefined();
    for (const name of ["nope", "__proto__", "constructor", "../index", 5, undefined]) {
      expect(await show(templates, name as string).catch(String)).toContain("render(): the script has no template");
    }
  });

  test("a template is a module as well", async () => {
    const entry =
      'import page from "./templates/page.eta"; import shared from "../_shared/templates/s.eta"; export const all = () => [`${page({ x: "<" })}`, `${shared()}`];';
    const { bundled } = await build(
      { "page.eta": "<%= it.x %>", "_shared/templates/s.eta": '<%~ include("t") %>', "_shared/templates/t.eta": "T" },
      entry,
    );
    expect(bundled && (evaluate(bundled, SDK).exports["all"] as () => unknown)()).toEqual(["&lt;", "T"]);
  });

  test("a classic script renders in its handlers", async () => {
    const { bundled } = await build({ "a.eta": "A" }, "function show() { return 1 }");
    expect(bundled?.form).toBe("classic");
    expect(bundled && Object.keys(evaluate(bundled, SDK).exposed)).toEqual(["show"]);
    expect(`${render("a")}`).toBe("A");
  });
});

describe("refusals", () => {
  async function refusal(text: string, more: Record<string, string> = {}): Promise<Record<string, unknown>> {
    const { problems } = await build({ "a.eta": text, ...more });
    return { ...problems[0] };
  }

  test.each([
    ["line one\n<p><%= it.( %>", 2, 11, "Unexpected token"],
    ["\n<%\n  const a = 1\n  const a = 2\n%>", 4, 9, "already been declared"],
    ["<% if (it.x) { %>\nno end", 1, 15, "Unexpected token"],
    ["a\n<% } %>", 2, 5, "Unexpected token"],
    ["<% with (it) { } %>", 1, 4, "'with' in strict mode"],
    ["<%= await it.x %>", 1, 5, "'await' outside an async function"],
    ["<%= import.meta.url + arguments.callee %><% return import('x') %><% import x from 'y' %>", 1, 69, "import"],
    ["<p>\n  <%= it.x", 2, 3, "unclosed tag"],
    ["<%= 'x %>\n", 1, 5, "unclosed string"],
    ["<% /* %>", 1, 4, "unclosed comment"],
    ["<%~ include(it.name) %>", 1, 5, "known only at run time"],
    ["<% layout(`base-${it.x}`) %>", 1, 4, "known only at run time"],
  ])("%p is refused with file, line, frame and hint", async (text, line, column, said) => {
    const problem = await refusal(text);
    expect(problem).toMatchObject({ file: "site/templates/a.eta", line, column, code: "script_failed" });
    expect(problem["message"]).toContain(said);
    expect(problem["frame"]).toContain(`> ${line} | ${text.split("\n")[line - 1]}`);
    expect(problem["hint"]).toBeString();
  });

  test("an include that is nowhere, and one that leads out of the script", async () => {
    const missing = await refusal('\n<%~ include("./none") %>');
    expect(missing).toMatchObject({ file: "site/templates/a.eta", line: 2, code: "import_refused" });
    expect(missing["message"]).toContain("none");
    for (const name of ["../../../secret", "../../other/templates/x", "/etc/passwd", "..\\\\x", "../index.ts"]) {
      const { problems, bundled } = await build({
        "a.eta": `<%~ include("${name}") %>`,
        "other/templates/x.eta": "SECRET",
        "other/index.ts": "",
      });
      expect([name, bundled, problems[0]?.code]).toEqual([name, undefined, "import_refused"]);
    }
  });

  test("code that breaks out of its function reaches what the script reaches, and no further", async () => {
    const { problems } = await build({ "a.eta": '<% }); import fs from "node:fs"; (() => { %>' });
    expect(problems[0]?.code).toBe("import_refused");
  });

  test("nothing in the bundle makes code from strings, and it is strict", async () => {
    const { bundled } = await build({ "a.eta": "<%= typeof this %>" });
    expect(bundled?.code).not.toMatch(/\bnew Function\b|\beval\(|\bwith\s*\(/);
    expect(bundled?.form).toBe("module");
  });
});

describe("positions", () => {
  test("the source map names the template's own lines and columns", async () => {
    const page = "<ul>\n<% for (const x of it.xs) { %>\n  <li><%= fail(x) %></li>\n<% } %>\n";
    const { bundled } = await build({ "page.eta": page });
    if (bundled === undefined) throw new Error("not built");
    const at = positionAt(bundled.code, bundled.code.indexOf("fail(x)"));
    expect(makeLookup(bundled.map)(at.line, at.column)).toEqual({
      file: "site/templates/page.eta",
      ...positionAt(page, page.indexOf("fail(x)")),
    });
    const own = positionAt(bundled.code, bundled.code.indexOf("var show"));
    expect(makeLookup(bundled.map)(own.line, own.column)).toMatchObject({ file: "site/index.ts", line: 1 });
  });

  test("a template that comes or goes is an input, so that the build is made again", async () => {
    const { inputs } = await build({ "a.eta": "a", "b/c.eta": "c", ".hidden.eta": "h", "note.txt": "n" });
    expect(inputs.find(({ path }) => path.endsWith("/"))).toMatchObject({ path: "site/templates/", size: 2 });
  });

  test("the list of templates follows no link and ends at a cap, since the engine makes it, too", () => {
    using scripts = project({ "site/templates/a.eta": "", "site/templates/b/c.eta": "", "site/templates/.d.eta": "" });
    const folder = `${scripts.scriptsDir}/site/templates`;
    symlinkSync("/", `${folder}/root`);
    symlinkSync("a.eta", `${folder}/link.eta`);
    expect(listFiles(folder, ".eta")).toEqual(["a.eta", "b/c.eta"]);
    symlinkSync(folder, `${scripts.scriptsDir}/linked`);
    expect(listFiles(`${scripts.scriptsDir}/linked`, ".eta")).toEqual([]);
    expect(listFiles(`${scripts.scriptsDir}/none`, ".eta")).toEqual([]);
    scripts.write(Object.fromEntries(Array.from({ length: 1005 }, (_, i) => [`many/templates/${i}.eta`, ""])));
    expect(listFiles(`${scripts.scriptsDir}/many/templates`, ".eta")).toHaveLength(1000);
  });
});
