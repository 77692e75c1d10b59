/** JSX of the realm: what it renders, and that nothing of a stranger's text becomes markup or code. */
import { describe, expect, test } from "bun:test";
import { Fragment, htmlText, isHtml, jsx, jsxs, raw } from "../../../../core/isolate/realm/jsx.ts";

const html = (type: Parameters<typeof jsx>[0], props: Record<string, unknown> = {}): string =>
  htmlText(jsx(type, props));
const NASTY = `<img src=x onerror="alert(1)">&'`;
const ESCAPED = "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;";

describe("rendering", () => {
  test("elements, text, numbers and nested arrays", () => {
    const item = (n: number) => jsx("li", { children: n });
    expect(html("ul", { class: "x", children: [[item(1), [item(2)]], "a", 3n] })).toBe(
      '<ul class="x"><li>1</li><li>2</li>a3</ul>',
    );
  });
  test("null, undefined and booleans render nothing", () => {
    expect(html("p", { children: [null, undefined, true, false, 0, ""] })).toBe("<p>0</p>");
  });
  test("void elements have no end tag and no children", () => {
    expect(html("br", { children: "x" })).toBe("<br>");
    expect(html("input", { name: "a", disabled: true, hidden: false })).toBe('<input name="a" disabled>');
  });
  test("components get their props, fragments render their children", () => {
    const Hello = (props: { readonly [name: string]: unknown }) => jsxs("b", { children: ["Hello ", props["name"]] });
    expect(html(Fragment, { children: [jsx(Hello, { name: "Ada" }), "!"] })).toBe("<b>Hello Ada</b>!");
  });
  test("className, htmlFor and style objects", () => {
    expect(
      html("label", {
        className: "a b",
        htmlFor: "x",
        style: { fontSize: 12, lineHeight: 1.5, "--gap": "2px", color: "red" },
      }),
    ).toBe('<label class="a b" for="x" style="font-size:12px;line-height:1.5;--gap:2px;color:red"></label>');
  });
  test("aria and data attributes spell booleans out", () => {
    expect(html("p", { "aria-hidden": false, "data-on": true })).toBe('<p aria-hidden="false" data-on="true"></p>');
  });
  test("a page gets a doctype", () => {
    expect(html("html", { lang: "en", children: jsx("body", {}) })).toBe(
      '<!doctype html><html lang="en"><body></body></html>',
    );
  });
});

describe("escaping", () => {
  test("text and attributes", () => {
    expect(html("p", { title: NASTY, children: NASTY })).toBe(`<p title="${ESCAPED}">${ESCAPED}</p>`);
  });
  test("a component that returns text is escaped", () => {
    expect(html(() => NASTY)).toBe(ESCAPED);
  });
  test("only raw() and JSX pass as they are", () => {
    expect(html("p", { children: raw("<b>x</b>") })).toBe("<p><b>x</b></p>");
    expect(isHtml(raw("x"))).toBe(true);
    for (const forged of [
      {},
      { toString: () => "<b>" },
      { text: "<b>" },
      Object.create(jsx("b", {})) as object,
      "<b>",
      null,
    ]) {
      expect(isHtml(forged)).toBe(false);
      expect(() => htmlText(forged)).toThrow(TypeError);
    }
    expect(() => html("p", { children: JSON.parse('{"__html":"<b>x</b>"}') })).toThrow("An object is no JSX child");
  });
  test("scripts and styles take raw() only", () => {
    expect(() => html("script", { children: "alert(1)" })).toThrow("takes no text");
    expect(() => html("STYLE", { children: ["p > a {}"] })).toThrow("takes no text");
    expect(html("script", { children: raw("a < b") })).toBe("<script>a < b</script>");
  });
  test("srcdoc shows text as text", () => {
    expect(html("iframe", { srcdoc: "<b>" })).toBe('<iframe srcdoc="&amp;lt;b&amp;gt;"></iframe>');
    expect(html("iframe", { srcDoc: jsx("b", {}) })).toBe('<iframe srcDoc="&lt;b&gt;&lt;/b&gt;"></iframe>');
  });
});

describe("what could run code is left out", () => {
  test("on… attributes, whatever they hold", () => {
    expect(html("a", { onclick: "alert(1)", onClick: () => 1, ONLOAD: "x", "on:click": "x", onerror: raw("x") })).toBe(
      "<a></a>",
    );
  });
  const schemes = [
    "javascript:alert(1)",
    " javascript:x",
    "JaVaScRiPt:x",
    "java\nscript:x",
    "\u0000javascript:x",
    "java\tscript\r:x",
    "vbscript:x",
    "\u00a0javascript:x",
  ];
  for (const name of [
    "href",
    "src",
    "action",
    "formaction",
    "formAction",
    "xlink:href",
    "xlinkHref",
    "data",
    "HREF",
    "to",
  ]) {
    test(`${name} with a script scheme`, () => {
      for (const url of schemes) expect(html("a", { [name]: url })).toBe("<a></a>");
      expect(html("a", { [name]: raw("javascript:x") })).toBe("<a></a>");
    });
  }
  test("other URLs stay", () => {
    for (const url of [
      "/a?b=javascript:x",
      "https://example.com/",
      "#javascript:",
      "data:image/svg+xml,x",
      "mailto:a@b.co",
    ]) {
      expect(html("a", { href: url })).toBe(`<a href="${url}"></a>`);
    }
  });
  test("a refresh and an animation that lead to a script", () => {
    expect(html("meta", { httpEquiv: "refresh", content: "0;url=javascript:x" })).toBe('<meta http-equiv="refresh">');
    expect(html("animate", { attributeName: "href", values: "a;javascript:x" })).toBe(
      '<animate attributeName="href"></animate>',
    );
  });
  test("attribute names that break out of the tag", () => {
    const props = JSON.parse(
      '{"x onload=alert(1) y":"z","a\\"b":"1","><script>":"1","__proto__":"1","":"1","a/b":"1"}',
    ) as Record<string, unknown>;
    expect(html("p", props)).toBe("<p></p>");
  });
  test("objects and functions as attributes", () => {
    expect(html("p", { title: {}, id: () => 1, lang: Symbol("x"), dir: ["a"] })).toBe("<p></p>");
  });
  test("styles that break out of their declaration", () => {
    expect(html("p", { style: { color: "red;background:url(x)", "a:b": "c", width: "1px/*", height: 1 } })).toBe(
      '<p style="height:1px"></p>',
    );
  });
});

describe("refusals name what to do", () => {
  const cases: readonly [what: string, () => unknown, message: string][] = [
    ["a tag with a space", () => html("p onload=x"), "is no element"],
    ["a tag that is no text", () => html(3 as unknown as string), "<number> is no element"],
    ["a promise", () => html("p", { children: Promise.resolve("x") }), "await the data first"],
    ["a function", () => html("p", { children: () => "x" }), "call it"],
    ["dangerouslySetInnerHTML", () => html("p", { dangerouslySetInnerHTML: { __html: "x" } }), "write {raw(html)}"],
    ["raw() of an object", () => raw({} as unknown as string), "takes a string"],
  ];
  for (const [what, act, message] of cases) test(what, () => expect(act).toThrow(message));

  test("children that contain themselves end", () => {
    const loop: unknown[] = [];
    loop[0] = loop;
    expect(() => html("p", { children: loop })).toThrow("at most 500 levels");
  });
});
