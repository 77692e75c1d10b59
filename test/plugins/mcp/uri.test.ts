/** URIs of resources: what a template takes, what it finds, and that it finds it in one go. */
import { expect, test } from "bun:test";
import { matchTemplate, readTemplate } from "../../../plugins/mcp/uri.ts";

function find(template: string, uri: string): unknown {
  const read = readTemplate(template);
  if (read === null) throw new Error("no template");
  return matchTemplate(read, uri);
}

test("a URI without variables is no template", () => {
  expect(readTemplate("notes://all")).toBeNull();
});

test.each([
  ["notes://{id}", "notes://a%20b", { id: "a b" }],
  ["notes://{id}/raw", "notes://1/raw", { id: "1" }],
  ["notes://{book}/{page}", "notes://a/b", { book: "a", page: "b" }],
  ["notes://{a}-{b}.txt", "notes://1-2-3.txt", { a: "1", b: "2-3" }],
  ["notes://{a}.txt", "notes://x.txt.txt", { a: "x.txt" }],
  ["notes://{id}", "notes://", null],
  ["notes://{id}", "notes://a/b", null],
  ["notes://{id}", "other://a", null],
  ["notes://{id}/raw", "notes://1/rawer", null],
  ["notes://{id}/raw", "notes:///raw", null],
  ["notes://{id}", "notes://%ff", null],
  ["notes://{a}-{b}", "notes://1", null],
])("%s finds in %s what it names", (template, uri, found) => {
  expect(find(template, uri)).toEqual(found);
});

test.each([
  "notes",
  "/notes",
  "notes://a b",
  "n://{a",
  "n://a}",
  "n://{}",
  "n://{a}{b}",
  "n://{a}/{a}",
  "n://{+a}",
  "n://{uri}",
])("%s is refused", (uri) => {
  expect(() => readTemplate(uri)).toThrow();
});

test("a long URI takes no longer than its length", () => {
  const template = `n://${"{v}-".replace("v", "a")}{b}-{c}-{d}z`;
  const began = performance.now();
  expect(find(template, `n://${"-".repeat(1_000_000)}`)).toBeNull();
  expect(performance.now() - began).toBeLessThan(1000);
});
