/** What is not served: whatever lies outside assets/, is hidden, is no file, or belongs to nobody. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSite, type Site } from "./site.ts";

const SECRET = "TOP SECRET";
let site: Site;

beforeEach(async () => {
  site = await openSite({ "a.txt": "a", "sub/b.txt": "b", "100%.txt": "percent", "%2e%2e": "a name" });
  writeFileSync(join(site.dir, "secret.txt"), SECRET);
  writeFileSync(join(site.dir, "scripts/site/index.ts"), SECRET);
  mkdirSync(join(site.dir, "scripts/other/assets"), { recursive: true });
  writeFileSync(join(site.dir, "scripts/other/assets/theirs.txt"), SECRET);
});

afterEach(() => site.close());

const inAssets = (path: string): string => join(site.dir, "scripts/site/assets", path);

describe("the path", () => {
  test.each([
    "/site/../index.ts",
    "/site/sub/../../index.ts",
    "/site/%2e%2e/index.ts",
    "/site/%2E%2e/index.ts",
    "/site/.%2e/index.ts",
    "/site/..%2findex.ts",
    "/site/..%2Findex.ts",
    "/site/%2e%2e%2findex.ts",
    "/site/sub%2f..%2f..%2findex.ts",
    "/site/..%5cindex.ts",
    "/site/..\\index.ts",
    "/site/sub\\..\\..\\index.ts",
    "/site/%c0%ae%c0%ae/index.ts",
    "/site/%252e%252e/index.ts",
    "/site/%252e%252e%252findex.ts",
    "/site/..;/index.ts",
    "/site/%u002e%u002e/index.ts",
    "/site/a.txt%00.html",
    "/site/%00",
    "/site/a.txt%0d%0aset-cookie:x",
    "/site//a.txt",
    "/site/sub//b.txt",
    "//site/a.txt",
    "/site/./a.txt",
    "/site/%2e/a.txt",
    "/site/a.txt/",
    "/site/a.txt/..",
    "/site/a.txt.",
    "/site/a.txt%20",
    "/site/a.txt::$DATA",
    "/site/C:%5csecret.txt",
    "/site/%2fetc%2fpasswd",
    "/site//etc/passwd",
    "/site/%",
    "/site/%zz",
    "/site/%ff",
    "/site/sub",
    "/site/sub/",
    "/site",
    "/site/",
    "/assets/a.txt",
    "/a.txt",
    "/",
    "",
    "site/a.txt",
  ])("%p names no asset", async (path) => {
    expect(await site.get(path)).toBe('404 {"code":"not_found"}');
  });

  test("a path without end costs nothing and names nothing", async () => {
    expect(await site.get(`/site/${"a/".repeat(100_000)}`)).toStartWith("404");
    expect(await site.get(`/site/${"a".repeat(300)}`)).toStartWith("404");
  });

  test("what was encoded twice is a name with a percent sign, no path", async () => {
    expect(await site.get("/site/100%25.txt")).toBe("200 percent");
    expect(await site.get("/site/%252e%252e")).toBe("200 a name");
  });
});

describe("hidden files", () => {
  test("neither they nor what lies in hidden folders is served, but .well-known is", async () => {
    site.put(".env", SECRET);
    site.put(".git/config", SECRET);
    site.put("sub/.hidden/a.txt", SECRET);
    site.put(".well-known/security.txt", "contact");
    site.put(".well-known/.secret", SECRET);
    for (const path of [".env", ".git/config", "%2eenv", "sub/.hidden/a.txt", ".well-known/.secret"]) {
      expect(await site.get(`/site/${path}`)).toStartWith("404");
    }
    expect(await site.get("/site/.well-known/security.txt")).toBe("200 contact");
  });

  test("a visible name that links to a hidden one is not either", async () => {
    site.put(".env", SECRET);
    symlinkSync(inAssets(".env"), inAssets("env.txt"));
    symlinkSync(".env", inAssets("env2.txt"));
    expect(await site.get("/site/env.txt")).toStartWith("404");
    expect(await site.get("/site/env2.txt")).toStartWith("404");
  });
});

describe("links", () => {
  test("none is followed out of assets/: file, folder, chain, circle, sibling with the same beginning", async () => {
    mkdirSync(join(site.dir, "scripts/site/assets-private"));
    writeFileSync(join(site.dir, "scripts/site/assets-private/x.txt"), SECRET);
    symlinkSync(join(site.dir, "secret.txt"), inAssets("file.txt"));
    symlinkSync("../../../secret.txt", inAssets("relative.txt"));
    symlinkSync(site.dir, inAssets("folder"));
    symlinkSync("file.txt", inAssets("chain.txt"));
    symlinkSync("circle.txt", inAssets("circle.txt"));
    symlinkSync("../assets-private", inAssets("private"));
    symlinkSync("../../other/assets", inAssets("neighbour"));
    symlinkSync("/proc/self", inAssets("proc"));
    for (const path of [
      "file.txt",
      "relative.txt",
      "folder/secret.txt",
      "chain.txt",
      "circle.txt",
      "private/x.txt",
      "neighbour/theirs.txt",
      "proc/environ",
      "proc/cwd/package.json",
    ]) {
      expect(await site.get(`/site/${path}`)).toBe('404 {"code":"not_found"}');
    }
  });

  test("one that stays inside is followed", async () => {
    symlinkSync("sub/b.txt", inAssets("inside.txt"));
    symlinkSync("sub", inAssets("also"));
    expect(await site.get("/site/inside.txt")).toBe("200 b");
    expect(await site.get("/site/also/b.txt")).toBe("200 b");
  });

  test("index.html, 404.html and compressed siblings that lead out are not sent", async () => {
    site.put("page.html", "<p>page</p>".repeat(200));
    symlinkSync(join(site.dir, "secret.txt"), inAssets("page.html.gz"));
    symlinkSync(join(site.dir, "secret.txt"), inAssets("index.html"));
    symlinkSync(join(site.dir, "secret.txt"), inAssets("404.html"));
    expect(await site.get("/site/")).toStartWith("404 {");
    expect(await site.get("/site/none", { accept: "text/html" })).toBe('404 {"code":"not_found"}');
    const page = await site.ask("/site/page.html", { headers: { "accept-encoding": "gzip" } });
    expect(Bun.gunzipSync(await page.bytes())).toHaveLength(2200);
  });

  test("assets/ that is a link itself is none", async () => {
    renameSync(inAssets(""), join(site.dir, "scripts/site/real"));
    symlinkSync("real", join(site.dir, "scripts/site/assets"));
    expect(await site.get("/site/a.txt")).toStartWith("404");
    rmSync(join(site.dir, "scripts/site/assets"));
    symlinkSync(site.dir, join(site.dir, "scripts/site/assets"));
    expect(await site.get("/site/secret.txt")).toStartWith("404");
  });
});

describe("what is no file", () => {
  test("a pipe nobody writes to is refused at once, as are devices and sockets", async () => {
    const made = Bun.spawnSync(["mkfifo", inAssets("pipe.txt")]);
    if (made.exitCode !== 0) throw new Error("mkfifo is missing");
    const socket = Bun.listen({ unix: inAssets("socket"), socket: { data() {} } });
    symlinkSync("/dev/zero", inAssets("zero"));
    for (const path of ["pipe.txt", "socket", "zero"]) expect(await site.get(`/site/${path}`)).toStartWith("404");
    socket.stop();
  });

  test("a folder is never listed", async () => {
    expect(await site.get("/site/sub/")).toBe('404 {"code":"not_found"}');
  });
});

describe("whose they are", () => {
  test("a script that is not served has no assets, and one that goes takes them along", async () => {
    expect(await site.get("/other/theirs.txt")).toStartWith("404");
    site.scripts(["site", "other"]);
    expect(await site.get("/other/theirs.txt")).toStartWith("200");
    site.scripts(["other"]);
    expect(await site.get("/site/a.txt")).toStartWith("404");
  });

  test("only GET and HEAD ask for them", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      expect((await site.ask("/site/a.txt", { method })).status).toBe(404);
    }
  });

  test("a registered route wins, also where it answers 404", async () => {
    const route = { method: "GET", path: "/site/a.txt", owner: "site", ofPlugin: false, options: {}, schemas: {} };
    expect((await site.ask("/site/a.txt", { route })).status).toBe(404);
  });
});
