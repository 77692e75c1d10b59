/** What handlers may answer, and what of a failure a caller learns. */
import { describe, expect, test } from "bun:test";
import { failureOf, promptResult, resourceResult, toolResult } from "../../../plugins/mcp/answers.ts";
import { ProblemError, type Json } from "../../../sdk/plugin.ts";

const text = (value: string): object => ({ type: "text", text: value });

describe("tools", () => {
  test.each<[Json | undefined, object]>([
    [undefined, { content: [] }],
    ["hello", { content: [text("hello")] }],
    [[1, 2], { content: [text("[1,2]")] }],
    [{ content: "x" }, { content: [text('{"content":"x"}')] }],
    [
      { content: [{ type: "text", text: "a", more: 1 }], isError: true },
      { content: [text("a")], isError: true },
    ],
    [{ content: [], isError: "yes" }, { content: [] }],
    [
      { content: [{ type: "resource", resource: { uri: "n://a", blob: "aGk=", mimeType: "x/y" } }] },
      { content: [{ type: "resource", resource: { uri: "n://a", blob: "aGk=", mimeType: "x/y" } }] },
    ],
    [
      { content: [{ type: "resource_link", uri: "n://a", name: "a", description: "d", size: 1 }] },
      { content: [{ type: "resource_link", uri: "n://a", name: "a", description: "d" }] },
    ],
  ])("%p", (value, result) => expect(toolResult(value, false) as object).toEqual(result));

  test("with an output schema the data is structured, and text for clients that know no other", () => {
    expect(toolResult({ a: 1 }, true)).toEqual({
      content: [{ type: "text", text: '{"a":1}' }],
      structuredContent: { a: 1 },
    });
    expect(() => toolResult("a", true)).toThrow("object");
  });

  test.each<[Json]>([
    [null],
    ["text"],
    [{ type: "video" }],
    [{ type: "constructor" }],
    [{ type: "image", data: "x" }],
    [{ type: "text", text: 1 }],
    [{ type: "resource", resource: { uri: "n://a" } }],
  ])("no content: %p", (piece) => expect(() => toolResult({ content: [piece] }, false)).toThrow());
});

describe("prompts", () => {
  test("text is a message of the user; messages are taken piece by piece", () => {
    expect(promptResult("hi", "d")).toEqual({ description: "d", messages: [{ role: "user", content: text("hi") }] });
    expect(promptResult({ messages: [{ role: "assistant", content: "hi", x: 1 }] }, undefined)).toEqual({
      messages: [{ role: "assistant", content: text("hi") }],
    });
  });
  test.each<[Json | undefined]>([
    [undefined],
    [1],
    [{ messages: "x" }],
    [{ messages: [{ role: "system", content: "x" }] }],
    [{ messages: [{ role: "user" }] }],
  ])("no answer: %p", (value) => expect(() => promptResult(value, undefined)).toThrow());
});

describe("resources", () => {
  test.each<[Json | undefined, unknown]>([
    [undefined, null],
    [null, null],
    ["hi", [{ uri: "n://a", mimeType: "text/plain", text: "hi" }]],
    [{ blob: "aGk=" }, [{ uri: "n://a", mimeType: "text/plain", blob: "aGk=" }]],
    [{ contents: [{ uri: "n://b", text: "b" }] }, [{ uri: "n://b", text: "b" }]],
    [{ contents: [{ text: "b" }] }, [{ uri: "n://a", text: "b" }]],
    [{ a: 1 }, [{ uri: "n://a", mimeType: "text/plain", text: '{"a":1}' }]],
  ])("%p", (value, contents) => {
    expect(resourceResult(value, "n://a", "text/plain")).toEqual(contents === null ? null : ({ contents } as object));
  });
  test("contents without text or blob are none", () => {
    expect(() => resourceResult({ contents: [{ uri: "n://a" }] }, "n://a", undefined)).toThrow();
  });
});

describe("failures", () => {
  test("fields of bad input are named as the caller wrote them", () => {
    const errors = [
      { path: "/args/nights", message: "must be a number (was a string)", expected: "a number" },
      { path: "/args", message: "must be an object", expected: "an object" },
    ];
    const { message } = failureOf(new ProblemError("invalid_input", "It does not fit.", { errors }), "id1");
    expect(message).toBe("It does not fit. nights must be a number (was a string); arguments must be an object.");
  });
  test("what is no problem is told by its id alone", () => {
    expect(failureOf(new Error("hunter2"), "id1").message).toContain("id1");
    expect(failureOf(new Error("hunter2"), "id1").message).not.toContain("hunter2");
  });
});
