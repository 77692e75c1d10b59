/** How far a reader of logs has come, as a text that can be kept, and given back days later. */

/** The last line that was read of one log. */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
}

/** By the name of the log: `shop`, and `shop/requests`. */
export type Positions = ReadonlyMap<string, Position>;

const FORM = "1";
/** `shop.mb3k0q1c.2f`; nothing that a URL or a shell would have to escape. */
const PART = /^([a-z0-9][a-z0-9-]{0,99}(?:\/requests)?)\.([0-9a-z]{1,11})\.([0-9a-z]{1,11})$/;

export function writeCursor(positions: Positions): string {
  const parts = [...positions].map(([log, { epoch, seq }]) => `${log}.${epoch.toString(36)}.${seq.toString(36)}`);
  return [FORM, ...parts.toSorted()].join("~");
}

/** Null when it is not one of `writeCursor`. */
export function readCursor(text: string): Positions | null {
  const [form, ...parts] = text.split("~");
  if (form !== FORM) return null;
  const positions = new Map<string, Position>();
  for (const part of parts) {
    const [, log, epoch, seq] = PART.exec(part) ?? [];
    if (log === undefined || epoch === undefined || seq === undefined) return null;
    positions.set(log, { epoch: Number.parseInt(epoch, 36), seq: Number.parseInt(seq, 36) });
  }
  return positions;
}
