/** From a file that was found to the answer: its coding, its validators, the part that was asked for. */
import { basename } from "node:path";
import type { RequestEvent } from "../../sdk/plugin.ts";
import { conditionOf, mayResume, type Validators } from "./conditions.ts";
import { acceptedCodings, ENDINGS, isCompressible, type Coding } from "./encoding.ts";
import { compressedBeside, type AssetFile } from "./file.ts";
import { readRange, type Range } from "./range.ts";
import { SMALL, type Store } from "./store.ts";

/** What could be sent: a file in one coding. */
interface Representation extends Validators {
  readonly coding: Coding | null;
  readonly size: number;
  /** All of it where it is in memory, else the path of the file. */
  readonly body: Uint8Array<ArrayBuffer> | string;
}

// Build tools name a file after its content: `app.3f2a9c1b.js`. A date has no letter, a word no digit.
const HASHED = /[.-](?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8,64}\.[^.]+$/;

/** Undefined when the file changed or went just now. */
export async function respond(
  event: RequestEvent,
  file: AssetFile,
  store: Store,
  status: 200 | 404 = 200,
): Promise<Response | undefined> {
  const { method } = event;
  const sent = event.request.headers;
  const name = basename(file.path);
  const type = typeOf(name);
  const asked = method === "GET" && status === 200 ? sent.get("range") : null;
  const compressible = isCompressible(type);
  // A part is always one of the file as it is: who resumes a download counts its bytes.
  const codings = compressible && asked === null ? acceptedCodings(sent.get("accept-encoding")) : [];
  const chosen = await represent(file, codings, store);
  if (chosen === undefined) return undefined;
  const headers = new Headers({ "cache-control": "no-cache" });
  if (compressible) headers.set("vary", "Accept-Encoding");
  if (status === 200) {
    if (HASHED.test(name)) headers.set("cache-control", "public, max-age=31536000, immutable");
    headers.set("etag", chosen.etag);
    headers.set("last-modified", new Date(Math.min(chosen.modifiedMs, Date.now())).toUTCString());
    headers.set("accept-ranges", "bytes");
    const condition = conditionOf(sent, chosen);
    if (condition !== null) return new Response(null, { status: condition, headers });
  }
  headers.set("content-type", type);
  if (chosen.coding !== null) headers.set("content-encoding", chosen.coding);
  const range = asked !== null && mayResume(sent, chosen) ? readRange(asked, chosen.size) : null;
  if (range === "none") {
    headers.set("content-range", `bytes */${chosen.size}`);
    headers.delete("content-type");
    return new Response(null, { status: 416, headers });
  }
  if (method === "HEAD") {
    headers.set("content-length", String(chosen.size));
    return new Response(null, { status, headers });
  }
  if (range === null) return new Response(whole(chosen.body, asked !== null, headers), { status, headers });
  headers.set("content-range", `bytes ${range.first}-${range.last}/${chosen.size}`);
  return new Response(part(chosen.body, range, headers), { status: 206, headers });
}

/** A compressed file beside it, else one that is compressed now, else the file itself. */
async function represent(
  file: AssetFile,
  codings: readonly Coding[],
  store: Store,
): Promise<Representation | undefined> {
  for (const coding of codings) {
    const beside = compressedBeside(file, ENDINGS[coding]);
    const made = beside && (await load(beside, store));
    if (made) return { ...made, coding, modifiedMs: file.modifiedMs };
  }
  const [best] = codings;
  const small = best && (await store.compressed(file, best));
  if (!small || !best) return load(file, store);
  const { bytes, digest } = small;
  return { coding: best, size: bytes.length, body: bytes, etag: `"${digest}-${best}"`, modifiedMs: file.modifiedMs };
}

async function load(file: AssetFile, store: Store): Promise<Representation | undefined> {
  const { path, size, modifiedMs, stamp } = file;
  if (size > SMALL) return { coding: null, size, body: path, etag: `"${Bun.hash(stamp).toString(36)}"`, modifiedMs };
  const plain = await store.plain(file);
  return plain ? { coding: null, size, body: plain.bytes, etag: `"${plain.digest}"`, modifiedMs } : undefined;
}

/** @param ranged the request has a `Range` that is not heeded: Bun would heed it for a file, whatever was decided here */
function whole(body: Representation["body"], ranged: boolean, headers: Headers): BodyInit {
  if (typeof body !== "string") return body;
  headers.set("content-disposition", "inline"); // Bun would send the file's name on this disk
  const file = Bun.file(body);
  return ranged ? file.stream() : file;
}

function part(body: Representation["body"], { first, last }: Range, headers: Headers): BodyInit {
  if (typeof body !== "string") return body.subarray(first, last + 1);
  headers.set("content-disposition", "inline");
  return Bun.file(body).slice(first, last + 1);
}

function typeOf(name: string): string {
  const { type } = Bun.file(name);
  return type.startsWith("text/") && !type.includes(";") ? `${type};charset=utf-8` : type;
}
