/**
 * The route table: an immutable snapshot of every route, looked up once per request.
 *
 * A tree of segments, not memoirist: that one keeps the later of two clashing routes in silence, answers a path whose
 * static branch lacks the method with nothing, and decodes nothing.
 *
 * - Most specific wins, segment by segment: static, then `:param`, then `*`; a branch that leads nowhere is left again.
 * - `/a` and `/a/` are two routes; `/a/*` answers `/a`, `/a/` and everything below; `:param` is never empty.
 * - Paths are case-sensitive, and percent-decoded once, segment by segment: `%2F` stays inside its parameter.
 * - HEAD is answered by GET; a method's own route goes before `ANY`.
 */
import { checkPattern, expandPattern, type Segment } from "./pattern.ts";

export { checkPattern };

export interface RouteEntry<T> {
  /** Upper case; `ANY` is every method. */
  readonly method: string;
  readonly path: string;
  readonly value: T;
  /** The script or plugin that registered it, for the message of a clash. */
  readonly owner: string;
  /** The owner is a plugin: a script of its name is somebody else. */
  readonly ofPlugin?: boolean;
}

export interface RouteMatch<T> {
  readonly value: T;
  /** Decoded; null-prototype. Frozen and shared when the route has none. */
  readonly params: Readonly<Record<string, string>>;
}

export interface RouteTable<T> {
  /**
   * The route for a path (without query), or the methods that the path has instead (with HEAD and OPTIONS, ready for
   * an `Allow` header), or null when no route has this path.
   *
   * @throws {URIError} when the path is not well percent-encoded UTF-8.
   */
  find(method: string, path: string): RouteMatch<T> | { readonly allow: readonly string[] } | null;
  /** How many routes were registered. */
  readonly size: number;
}

/** Two routes that would answer the same requests. */
export class RouteClash extends Error {
  readonly code = "route_taken";
  /** The script or plugin that has the route already. */
  readonly holder: string;
  readonly heldByPlugin: boolean;
  /** The script or plugin that wanted it as well. */
  readonly owner: string;
  readonly ownerIsPlugin: boolean;
  /** What it wanted: `GET /notes/:id`. */
  readonly wanted: string;

  constructor(wanted: RouteEntry<unknown>, held: RouteEntry<unknown>) {
    super(
      `${nameOwner(wanted)} cannot have ${wanted.method} ${wanted.path}: ` +
        (nameOwner(wanted) === nameOwner(held)
          ? `it has registered ${held.method} ${held.path} already; remove one of the two`
          : `${nameOwner(held)} holds it with ${held.method} ${held.path}; change the path of one of the two`),
    );
    this.name = "RouteClash";
    this.holder = held.owner;
    this.heldByPlugin = held.ofPlugin === true;
    this.owner = wanted.owner;
    this.ownerIsPlugin = wanted.ofPlugin === true;
    this.wanted = `${wanted.method} ${wanted.path}`;
  }
}

/** `"notes"`, or `the plugin "health"`. */
export function nameOwner({ owner, ofPlugin }: Pick<RouteEntry<unknown>, "owner" | "ofPlugin">): string {
  return ofPlugin === true ? `the plugin "${owner}"` : `"${owner}"`;
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);

interface Target<T> {
  readonly entry: RouteEntry<T>;
  /** Names of the values in the order of the path; the tail is `*`. */
  readonly names: readonly string[];
  /** The answer itself when there are no names. */
  readonly match: RouteMatch<T>;
}

type Leaf<T> = Map<string, Target<T>>;

interface Node<T> {
  readonly statics: Map<string, Node<T>>;
  param: Node<T> | null;
  leaf: Leaf<T> | null;
  tail: Leaf<T> | null;
}

/**
 * @throws {RouteClash} when two entries would answer the same requests.
 * @throws {SyntaxError} for a path that `checkPattern` refuses.
 */
export function compileRoutes<T>(entries: readonly RouteEntry<T>[]): RouteTable<T> {
  const root: Node<T> = newNode();
  /** Every path without parameters, as it stands in a request line: one look-up instead of a walk. */
  const exact = new Map<string, Leaf<T>>();
  for (const entry of entries) {
    for (const segments of expandPattern(entry.path)) {
      const leaf = place(root, segments);
      const held = leaf.get(entry.method);
      // The forms of one optional pattern may meet; the first one, with the left parameters filled, stays.
      if (held !== undefined && held.entry !== entry) throw new RouteClash(entry, held.entry);
      if (held === undefined) leaf.set(entry.method, newTarget(entry, segments));
      const plain = plainPath(segments);
      if (plain !== null) exact.set(plain, leaf);
    }
  }
  return {
    size: entries.length,
    find(method, path) {
      const target = choose(exact.get(path), method);
      if (target !== null) return target.match;
      return new Search<T>(method, path).run(root);
    },
  };
}

/** One look-up that needs the tree. */
class Search<T> {
  private readonly values: string[] = [];
  private readonly encoded: boolean;
  private allow: Set<string> | null = null;

  constructor(
    private readonly method: string,
    private readonly path: string,
  ) {
    this.encoded = path.includes("%");
    // Validates every segment at once: a character is never encoded across a slash.
    if (this.encoded) decodeURIComponent(path);
  }

  run(root: Node<T>): RouteMatch<T> | { readonly allow: readonly string[] } | null {
    const target = this.walk(root, 1, 0);
    if (target !== null) {
      if (target.names.length === 0) return target.match;
      const params = Object.create(null) as Record<string, string>;
      for (let i = 0; i < target.names.length; i++) params[target.names[i]!] = this.values[i]!;
      return { value: target.entry.value, params };
    }
    return this.allow === null ? null : { allow: [...this.allow].sort() };
  }

  /** `start` is where the next segment begins; past the end of the path when there is none. */
  private walk(node: Node<T>, start: number, depth: number): Target<T> | null {
    const { path } = this;
    if (start > path.length) return this.take(node.leaf) ?? this.takeTail(node, "", depth);
    const slash = path.indexOf("/", start);
    const end = slash === -1 ? path.length : slash;
    const segment = this.decode(path.substring(start, end));
    const fixed = node.statics.get(segment);
    if (fixed !== undefined) {
      const found = this.walk(fixed, end + 1, depth);
      if (found !== null) return found;
    }
    if (node.param !== null && segment !== "") {
      this.values[depth] = segment;
      const found = this.walk(node.param, end + 1, depth + 1);
      if (found !== null) return found;
    }
    return node.tail === null ? null : this.takeTail(node, this.decode(path.substring(start)), depth);
  }

  private take(leaf: Leaf<T> | null): Target<T> | null {
    if (leaf === null) return null;
    const target = choose(leaf, this.method);
    if (target === null) {
      // Remembered for the case that no other branch answers the method.
      this.allow ??= new Set(["OPTIONS"]);
      for (const method of leaf.keys()) this.allow.add(method);
      if (leaf.has("GET")) this.allow.add("HEAD");
    }
    return target;
  }

  private takeTail(node: Node<T>, tail: string, depth: number): Target<T> | null {
    this.values[depth] = tail;
    return this.take(node.tail);
  }

  private decode(text: string): string {
    return this.encoded ? decodeURIComponent(text) : text;
  }
}

function choose<T>(leaf: Leaf<T> | undefined, method: string): Target<T> | null {
  if (leaf === undefined) return null;
  return leaf.get(method) ?? (method === "HEAD" ? leaf.get("GET") : undefined) ?? leaf.get("ANY") ?? null;
}

function newNode<T>(): Node<T> {
  return { statics: new Map(), param: null, leaf: null, tail: null };
}

function newTarget<T>(entry: RouteEntry<T>, segments: readonly Segment[]): Target<T> {
  const names: string[] = [];
  for (const segment of segments) {
    if (segment.kind === "param") names.push(segment.name);
    else if (segment.kind === "tail") names.push("*");
  }
  return { entry, names, match: Object.freeze({ value: entry.value, params: NO_PARAMS }) };
}

function place<T>(root: Node<T>, segments: readonly Segment[]): Leaf<T> {
  let node = root;
  for (const segment of segments) {
    if (segment.kind === "tail") return (node.tail ??= new Map());
    if (segment.kind === "param") node = node.param ??= newNode();
    else {
      const next = node.statics.get(segment.text) ?? newNode<T>();
      node.statics.set(segment.text, next);
      node = next;
    }
  }
  return (node.leaf ??= new Map());
}

/** The path of a pattern without parameters, unless a request would hold it encoded in more than one way. */
function plainPath(segments: readonly Segment[]): string | null {
  let path = "";
  for (const segment of segments) {
    if (segment.kind !== "static" || !/^[A-Za-z0-9_.~-]*$/.test(segment.text)) return null;
    path += `/${segment.text}`;
  }
  return path;
}
