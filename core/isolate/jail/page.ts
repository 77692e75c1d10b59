/** Memory that the engine and a child share: a page, so that the engine can watch without asking, and two rings for long bodies. */
import { toArrayBuffer } from "bun:ffi";
import { WORD_FROM_ISOLATE, WORD_TO_ISOLATE } from "../frames.ts";
import { RING_BYTES, type RingMemory } from "../ring.ts";
import { openLibc, reason, type Libc } from "./libc.ts";
import { here } from "./syscalls.ts";

export const PAGE_BYTES = 4096;
/** Where a child finds its page when it starts. */
export const PAGE_FD = 3;

/** For long bodies. Hostile memory, as the page is. */
export interface SharedBodies {
  readonly toIsolate: RingMemory;
  readonly fromIsolate: RingMemory;
  /** Gives the memory back to the system, with what is in it. Touched again, it is zeros. */
  release(): void;
}

export interface Shared {
  readonly words: Int32Array;
  readonly bodies: SharedBodies;
}

export interface Page {
  /** To be handed to the child as descriptor 3; -1 where the platform has no shared page. */
  readonly fd: number;
  /** The child writes here too, and it is hostile: read once, check, never use as an index. */
  readonly words: Int32Array;
  /** Null where none are shared. */
  readonly bodies: SharedBodies | null;
  /** Closes the descriptor. The memory stays for as long as somebody holds `words`. */
  close(): void;
}

const MFD_CLOEXEC_ALLOW_SEALING = 3;
const F_ADD_SEALS = 1033;
/** F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW: a child that cut the page off would end the engine with SIGBUS. */
const SEALS = 7;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MADV_REMOVE = 9;
const ALL_BYTES = PAGE_BYTES + 2 * RING_BYTES;

/** For a child that is not watched by a page: the words stay 0, as of one that never entered user code. */
export function privatePage(): Page {
  return { fd: -1, words: new Int32Array(PAGE_BYTES / 4), bodies: null, close: () => {} };
}

/** Engine's side. Private outside Linux. */
export function createPage(): Page {
  const libc = process.platform === "linux" ? openLibc() : null;
  if (libc === null) return privatePage();
  const name = new Uint8Array([0]);
  const fd = libc.syscall(here("memfd_create"), name, MFD_CLOEXEC_ALLOW_SEALING);
  if (fd < 0) throw new Error(`a page to share with a child could not be made: ${reason(libc)}`);
  const sized =
    libc.syscall(here("ftruncate"), fd, ALL_BYTES) === 0 && libc.syscall(here("fcntl"), fd, F_ADD_SEALS, SEALS) === 0;
  const shared = sized ? mapPage(libc, fd) : null;
  if (shared === null) {
    const why = reason(libc);
    libc.close(fd);
    throw new Error(`a page to share with a child could not be mapped: ${why}`);
  }
  let open = true;
  const close = (): void => {
    if (open) libc.close(fd);
    open = false;
  };
  return { fd, ...shared, close };
}

/** Child's side, before lock-down: maps the page and closes its descriptor. Null when there is none. */
export function openPage(fd: number = PAGE_FD): Shared | null {
  const libc = process.platform === "linux" ? openLibc() : null;
  if (libc === null) return null;
  const shared = mapPage(libc, fd);
  if (shared !== null) libc.close(fd);
  return shared;
}

/** The last two arguments are in Bun's documentation, but not in its types. */
const adopt = toArrayBuffer as unknown as (
  address: number,
  offset: number,
  length: number,
  context?: number,
  deallocator?: number,
) => ArrayBuffer;

/** The collector unmaps it: as a deallocator `munmap` is called with the address and, as its context, the length. */
function mapPage(libc: Libc, fd: number): Shared | null {
  const address = libc.syscall(here("mmap"), 0, ALL_BYTES, PROT_READ_WRITE, MAP_SHARED, fd, 0);
  if (address === -1) return null;
  const words = new Int32Array(adopt(address, 0, PAGE_BYTES, ALL_BYTES, libc.address("munmap")));
  const ring = (at: number, word: number): RingMemory => {
    let bytes: Buffer | undefined;
    // Views of the memory that `words` holds: who has a ring has the words, too.
    return { bytes: () => (bytes ??= Buffer.from(adopt(address + at, 0, RING_BYTES))), words, word };
  };
  const bodies = {
    toIsolate: ring(PAGE_BYTES, WORD_TO_ISOLATE),
    fromIsolate: ring(PAGE_BYTES + RING_BYTES, WORD_FROM_ISOLATE),
    // Where the kernel does not do it, the memory stays until the isolate ends.
    release: () => void libc.syscall(here("madvise"), address + PAGE_BYTES, 2 * RING_BYTES, MADV_REMOVE),
  };
  return { words, bodies };
}
