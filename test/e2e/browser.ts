/** Chromium for tests, where this machine has one: the one that `CHROMIUM` names, else Debian's. */
import { existsSync } from "node:fs";
import type { Browser } from "playwright-core";

const PATH = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => path !== undefined && existsSync(path),
);

export const hasBrowser = PATH !== undefined;
/** For the name of a test that is left out. */
export const missing: string = hasBrowser ? "" : ": no Chromium here; name one in CHROMIUM";

export async function openBrowser(): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return await chromium.launch({ executablePath: PATH!, args: ["--no-sandbox"] });
}
