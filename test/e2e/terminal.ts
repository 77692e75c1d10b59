/** Runs a command in a terminal of its own, as a person would see it. */

/** What it printed, up to the first text that matches; then it is stopped. */
export async function inTerminal(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  until: RegExp,
): Promise<string> {
  const done = Promise.withResolvers<string>();
  let text = "";
  const child = Bun.spawn([...command], {
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", ...env },
    terminal: {
      cols: 200,
      rows: 50,
      data(_terminal: unknown, bytes: Uint8Array) {
        text += new TextDecoder().decode(bytes);
        if (until.test(text)) done.resolve(text);
      },
    },
  });
  const timer = setTimeout(() => done.reject(new Error(`the terminal shows no ${until}:\n${text}`)), 20_000);
  try {
    return await done.promise;
  } finally {
    clearTimeout(timer);
    child.kill("SIGTERM");
    await child.exited;
  }
}
