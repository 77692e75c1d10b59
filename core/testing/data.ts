/** What a script under test keeps on disk: noted before a case, and put back after it. */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** A copy of the script's data; null where it had none. */
export type Snapshot = { readonly folder: string } | null;

export class ScriptData {
  readonly #folder: string;
  readonly #dataDir: string;
  readonly #release: () => void;

  /** @param release makes the services close what they hold open of the script */
  constructor(dataDir: string, script: string, release: () => void) {
    this.#dataDir = dataDir;
    this.#folder = join(dataDir, "scripts", script);
    this.#release = release;
  }

  save(): Snapshot {
    if (!existsSync(this.#folder)) return null;
    this.#release();
    const folder = mkdtempSync(join(this.#dataDir, "snapshot-"));
    cpSync(this.#folder, folder, { recursive: true });
    return { folder };
  }

  restore(snapshot: Snapshot): void {
    this.#release();
    rmSync(this.#folder, { recursive: true, force: true });
    if (snapshot !== null) cpSync(snapshot.folder, this.#folder, { recursive: true });
  }

  forget(snapshot: Snapshot): void {
    if (snapshot !== null) rmSync(snapshot.folder, { recursive: true, force: true });
  }
}
