/** Where in the author's files a script threw, with the lines around it; read from the files that the build read. */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { codeFrame } from "../isolate/build/code-frame.ts";
import { firstFrame, type ReadFailure } from "./answer.ts";
import type { ScriptPool } from "./pool.ts";

export interface FailurePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly frame?: string;
}

const MAX_SOURCE_BYTES = 1024 * 1024;
/** A script that fails the same way a thousand times a second is read once. */
const known = new WeakMap<ScriptPool, Map<string, string>>();
const MAX_KNOWN = 100;

/** The stack came from the isolate, so it may name any file: only one that went into the build is opened. */
export function placeOfFailure(pool: ScriptPool, scriptsDir: string, failure: ReadFailure): FailurePlace | null {
  const place = firstFrame(failure.stack);
  if (!place) return null;
  const path = resolve(scriptsDir, place.file);
  if (!pool.script.sources.includes(path)) return place;
  const frames = known.get(pool) ?? new Map<string, string>();
  known.set(pool, frames);
  const key = `${place.file}:${place.line}:${place.column}`;
  let frame = frames.get(key);
  if (frame === undefined) {
    frame = readFrame(path, place.line, place.column);
    if (frames.size < MAX_KNOWN) frames.set(key, frame);
  }
  return frame === "" ? place : { ...place, frame };
}

function readFrame(path: string, line: number, column: number): string {
  try {
    return statSync(path).size > MAX_SOURCE_BYTES ? "" : codeFrame(readFileSync(path, "utf8"), line, column);
  } catch {
    return ""; // removed since the build: the place itself is still true
  }
}
