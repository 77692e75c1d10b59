/** Events that an async generator of the script gives, each when it is asked for: whoever reads slowly holds it back. */
import type { RemoteValues } from "../../../sdk/plugin.ts";
import { Queue } from "./queue.ts";

export class Generated extends Queue {
  readonly #values: RemoteValues;
  #asked = false;

  /** Once it has ended, whoever ended it, the generator in the script has, too: its `finally` runs. */
  constructor(values: RemoteValues, onEnd: () => void) {
    super(0, () => {
      void values.return().catch(() => {}); // whoever reads was told why
      onEnd();
    });
    this.#values = values;
  }

  override next(): ReturnType<Queue["next"]> {
    const next = super.next();
    if (this.isOpen && !this.#asked) this.#ask();
    return next;
  }

  #ask(): void {
    this.#asked = true;
    this.#values.next().then(
      ({ done, value }) => {
        this.#asked = false;
        if (done) this.finish();
        else this.push(value, 0);
      },
      (error: Error) => this.finish(error),
    );
  }
}
