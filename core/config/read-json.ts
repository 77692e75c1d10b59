/** JSON with comments and trailing commas as a tree of config. Written by hand: `JSON.parse` has no positions and takes a key twice. */
import type { ConfigProblem } from "./error.ts";
import { lookUp, positionAt, syntaxProblem, type Position } from "./locate.ts";
import { emptyBranch, isBranch, toNode, type Branch, type Source, type Value } from "./tree.ts";

/** Far deeper than any config; the reader calls itself. */
const MAX_DEPTH = 100;
const SPACE = /(?:[ \t\r\n]+|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
const STRING = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;
const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

class JsonFault extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

/** One is made for every file. */
class Reader {
  private at = 0;
  /** Where each key stands, by its path as JSON. */
  readonly keys = new Map<string, number>();

  constructor(private readonly text: string) {}

  whole(): Value {
    const value = this.value([]);
    if (this.next() !== undefined) throw this.fault("expected the end of the file");
    return value;
  }

  private fault(message: string, at = this.at): JsonFault {
    return new JsonFault(message, at);
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  /** The next character that says something. */
  private next(): string | undefined {
    this.take(SPACE);
    return this.text[this.at];
  }

  private value(path: readonly string[]): Value {
    if (path.length > MAX_DEPTH) throw this.fault(`nested more than ${MAX_DEPTH} levels deep`);
    const char = this.next();
    if (char === "{") return this.table(path);
    if (char === "[") return this.list(path);
    if (char === '"') return this.string();
    const start = this.at;
    const number = this.take(NUMBER);
    if (number !== undefined) return Number(number);
    const word = this.take(WORD);
    const constant = word === undefined ? undefined : CONSTANTS.get(word);
    if (constant === undefined) throw this.fault("expected a value", start);
    return constant;
  }

  private string(): string {
    const text = this.take(STRING);
    if (text === undefined)
      throw this.fault("a string that does not end on its line, or holds what JSON does not allow");
    return JSON.parse(text) as string;
  }

  private table(path: readonly string[]): Value {
    const table: { [key: string]: Value } = Object.create(null);
    this.items("}", () => {
      const start = this.at;
      if (this.next() !== '"') throw this.fault("expected a key in double quotes");
      const key = this.string();
      if (key in table) throw this.fault(`the key ${JSON.stringify(key)} is there twice`, start);
      const inner = [...path, key];
      this.keys.set(JSON.stringify(inner), start);
      if (this.next() !== ":") throw this.fault('expected ":" after the key');
      this.at++;
      table[key] = this.value(inner);
    });
    return table;
  }

  private list(path: readonly string[]): Value {
    const list: Value[] = [];
    this.items("]", () => list.push(this.value([...path, String(list.length)])));
    return list;
  }

  /** What stands between brackets, separated by commas; one may follow the last. */
  private items(end: string, item: () => void): void {
    this.at++;
    while (this.next() !== end) {
      item();
      if (this.next() === ",") this.at++;
      else if (this.next() !== end) throw this.fault(`expected "," or "${end}"`);
    }
    this.at++;
  }
}

export function readJson(text: string, shown: string, problems: ConfigProblem[]): Branch {
  const reader = new Reader(text);
  const source: Source = {
    kind: "file",
    shown,
    text,
    locate: (path) => {
      const at = lookUp(reader.keys, path);
      return at === undefined ? undefined : positionAt(text, at);
    },
  };
  const refuse = (at: Position, message: string): Branch => {
    problems.push(syntaxProblem(text, shown, at, `not valid JSON: ${message}`));
    return emptyBranch(source);
  };
  try {
    const node = toNode(reader.whole(), source);
    if (!isBranch(node)) return refuse({ line: 1, column: 1 }, "expected an object");
    // Names the schema of the file for editors.
    node.entries.delete("$schema");
    return node;
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return refuse(positionAt(text, error.at), error.message);
  }
}
