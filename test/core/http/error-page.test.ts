/** The page of a problem: all that a script may have put into it stays text, and nothing breaks it. */
import { expect, test } from "bun:test";
import { asPage, wantsPage } from "../../../core/http/error-page.ts";

const EVIL = `<script>alert("1")</script>'&`;
const SAFE = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;";

function problem(fields: object, headers: Record<string, string> = {}): Response {
  const body = JSON.stringify({ title: "T", status: 500, detail: "D", code: "c", id: "i", ...fields });
  return new Response(body, { status: 500, headers: { "content-type": "application/problem+json", ...headers } });
}

const pageOf = async (fields: object): Promise<string> => (await asPage(problem(fields))).text();

test("every field of a problem is escaped, wherever it stands", async () => {
  const page = await pageOf({
    title: EVIL,
    status: EVIL,
    detail: EVIL,
    code: EVIL,
    id: EVIL,
    dev: { file: EVIL, line: EVIL, column: EVIL, frame: EVIL, stack: EVIL },
    limit: { name: EVIL, value: EVIL, used: EVIL, key: EVIL },
    errors: [{ path: EVIL, message: EVIL, expected: EVIL }],
  });
  expect(page).not.toContain("<script");
  expect(page.split(SAFE)).toHaveLength(20);
});

test("a limit is told with what was used and the key that changes it, a field with what was expected", async () => {
  const page = await pageOf({
    limit: { name: "wallMs", value: 100, used: 250, key: "limits.wallMs" },
    errors: [{ path: "body.age", message: "must be a number", expected: "number" }],
    dev: { file: "a.ts", line: 3, column: 7, stack: "at (a.ts:3:7)" },
  });
  for (const part of [
    "<code>wallMs</code> is 100, used 250; change <code>limits.wallMs</code>",
    "<td><code>body.age</code><td>must be a number<td>number</tr>",
    "<h2>Where</h2><p><code>a.ts:3:7</code></p>",
    "<h2>Stack</h2><pre>at (a.ts:3:7)</pre>",
  ])
    expect(page).toContain(part);
  expect(await pageOf({ limit: { name: "n", value: 1, key: "k" } })).not.toContain("used");
});

test("what was thrown stands first, and the sentence for strangers does not", async () => {
  const page = await pageOf({
    dev: { stack: "TypeError: no price\nof any kind\n    at f (a.ts:3:7)\n    at (a.ts:9:1)" },
  });
  expect(page).toContain('<p class="detail">TypeError: no price\nof any kind</p>');
  expect(page).not.toContain(">D<");
  expect(page).toContain("<h2>Stack</h2><pre>TypeError: no price");
  for (const stack of ["    at f (a.ts:3:7)", "at (a.ts:3:7)", "", 1, null])
    expect(await pageOf({ dev: { stack } })).toContain('<p class="detail">D</p>');
});

test("what is not there has no heading", async () => {
  const page = await pageOf({});
  expect(page).not.toContain("<h2>");
  expect(page).toContain('<p class="detail">D</p>');
});

const odd: readonly object[] = [
  { errors: [null, 1, "text", [], { path: {} }] },
  { errors: {} },
  { limit: "text", dev: 1 },
  { limit: null, dev: null, errors: null },
  { dev: { file: null, line: {} } },
  { title: null, detail: {}, status: [] },
];
test.each(odd)("a problem of odd fields is a page all the same: %j", async (fields) => {
  const answer = await asPage(problem(fields));
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(await answer.text()).toContain("<footer>request <code>i</code></footer>");
});

test("a document that is no problem of ours is left as it is", async () => {
  const header = { "content-type": "application/problem+json" };
  for (const body of ["no json", "null", "[]", '{"code":1,"id":"i"}', '{"code":"c"}', `"${"x".repeat(300_000)}"`]) {
    const answer = await asPage(new Response(body, { status: 418, headers: header }));
    expect([answer.status, answer.headers.get("content-type")]).toEqual([418, "application/problem+json"]);
    expect(await answer.text()).toBe(body);
  }
  const plain = Response.json({ code: "c", id: "i" });
  expect(await asPage(plain)).toBe(plain);
  const none = new Response("text", { headers: {} });
  expect(await asPage(none)).toBe(none);
});

test("headers stay, but for the length, and no script or frame may come with it", async () => {
  const { headers, status } = await asPage(problem({}, { "retry-after": "1", "content-length": "5" }));
  expect(status).toBe(500);
  expect(headers.get("retry-after")).toBe("1");
  expect(headers.get("content-length")).toBeNull();
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
});

test("a page is for who asks for HTML", () => {
  expect([null, "*/*", "application/json", "text/html", "text/html;q=0.9,*/*"].map(wantsPage)).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
});
