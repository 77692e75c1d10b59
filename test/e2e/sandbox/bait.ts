/** What an escape would bring home or touch: a canary beside the engine's folder, one in its environment, a listener on loopback. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Attack } from "./attack.ts";
import { PLACEHOLDERS } from "./attacks/build.ts";

const ENVIRONMENT = "canary-in-the-environment";
const FORGED = /^\{(?:"level":"info",)?"message":"forged by a script/;

export class Bait {
  readonly canaryFile: string;
  /** The engine's environment. */
  readonly env = { CANARY_OF_THE_ENVIRONMENT: ENVIRONMENT };
  readonly #canary: string;
  readonly #listener: Bun.Server<undefined>;
  readonly #heard: string[] = [];

  private constructor(canaryFile: string, canary: string) {
    this.canaryFile = canaryFile;
    this.#canary = canary;
    this.#listener = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        this.#heard.push(request.url);
        return new Response("heard on loopback");
      },
    });
  }

  /** Lays it out in a folder that no script may see. */
  static async lay(outside: string): Promise<Bait> {
    const canary = `canary-${crypto.randomUUID()}`;
    const file = join(outside, "canary.txt");
    await writeFile(file, canary);
    await mkdir(join(outside, "outside-lib"));
    await writeFile(join(outside, "outside-lib", "m.ts"), `export const value = "outside-lib-secret";\n`);
    return new Bait(file, canary);
  }

  /** Puts this run's paths and port into an attack's text. */
  fill(attack: Attack, text: string): string {
    if (attack.group !== "build" && attack.group !== "fetch") return text;
    return text
      .replaceAll(PLACEHOLDERS.canary, this.canaryFile)
      .replaceAll(PLACEHOLDERS.marker, `${this.canaryFile}.marker`)
      .replaceAll(PLACEHOLDERS.port, String(this.#listener.port));
  }

  /** Proofs that something was taken, since the last time this was asked. */
  taken(attack: Attack, answer: string, logs: string): readonly string[] {
    const proofs: string[] = [];
    for (const secret of [this.#canary, ENVIRONMENT, ...(attack.secret === undefined ? [] : [attack.secret])]) {
      if (answer.includes(secret)) proofs.push(`escaped: the answer holds a secret (${secret.slice(0, 20)})`);
      if (logs.includes(secret)) proofs.push(`escaped: the log holds a secret (${secret.slice(0, 20)})`);
    }
    if (existsSync(`${this.canaryFile}.marker`)) proofs.push("escaped: the attack wrote a file");
    if (this.#heard.length > 0) proofs.push(`escaped: a listener on loopback was reached: ${this.#heard.join(" ")}`);
    this.#heard.length = 0;
    const forged = logs.split("\n").find((line) => FORGED.test(line));
    if (forged !== undefined) proofs.push(`a log line was forged: ${forged.slice(0, 200)}`);
    return proofs;
  }

  async remove(): Promise<void> {
    await this.#listener.stop(true);
  }
}
