/** What a config key can be, as data, and the type of value that each kind gives. */
import type { Json } from "../script/types.ts";

interface Described {
  readonly meaning: string;
  /** A running engine cannot change it. */
  readonly restart?: true;
}
/** `min` and `max` are inclusive. */
export interface IntegerKey extends Described {
  readonly type: "integer";
  readonly default: number | undefined;
  readonly min: number;
  readonly max: number;
}
export interface BooleanKey extends Described {
  readonly type: "boolean";
  readonly default: boolean;
}
/** A string; `test` says what is wrong with a value, or nothing. */
export interface StringKey extends Described {
  readonly type: "string";
  readonly default: string | undefined;
  readonly test?: (value: string) => string | undefined;
}
export interface ChoiceKey extends Described {
  readonly type: "choice";
  readonly default: string;
  readonly choices: readonly string[];
}
export interface StringsKey extends Described {
  readonly type: "strings";
  readonly test?: (value: string) => string | undefined;
}
/** Any data, handed on as it is. */
export interface DataKey extends Described {
  readonly type: "data";
}
export interface TableKey {
  readonly type: "table";
  readonly keys: { readonly [key: string]: Key };
  /** Other keys are somebody else's to check: a plugin's own, by the plugin's schema. */
  readonly open?: true;
}
/** A table whose keys the operator chooses. */
export interface MapKey {
  readonly type: "map";
  readonly name: RegExp;
  /** What a key must be, for the error: `a script's name: …`. */
  readonly expected: string;
  readonly value: TableKey;
}
export type LeafKey = IntegerKey | BooleanKey | StringKey | ChoiceKey | StringsKey | DataKey;
export type Key = LeafKey | TableKey | MapKey;

/** The type of a key's value. */
export type ValueOf<K> = K extends { type: "integer"; default: number }
  ? number
  : K extends { type: "boolean" }
    ? boolean
    : K extends { type: "string"; default: string }
      ? string
      : K extends { type: "string" }
        ? string | undefined
        : K extends { type: "choice"; choices: readonly (infer Choice)[] }
          ? Choice
          : K extends { type: "strings" }
            ? readonly string[]
            : K extends { type: "data" }
              ? { readonly [key: string]: Json }
              : K extends { type: "table"; keys: infer Keys }
                ? { readonly [name in keyof Keys]: ValueOf<Keys[name]> }
                : never;
