/** Types of JSX in scripts: elements become escaped HTML. Declarations only; the realm provides the functions. */
/** HTML that was made by JSX or `raw`, and may be sent as it is. */
export interface Html {
  toString(): string;
  toJSON(): string;
  /** Types only: keeps other objects from passing for HTML. */
  readonly "~html": true;
}
/** What can stand between tags. Text is escaped; null, undefined and booleans are left out. */
export type Child = Html | string | number | bigint | boolean | null | undefined | readonly Child[];
type Value = string | number | boolean | null | undefined;
/** `on…` attributes are not sent, whatever they hold: put listeners into a script of their own. */
interface Attributes {
  readonly children?: Child;
  readonly key?: string | number;
  readonly style?:
    | string
    | {
        readonly [property: string]: string | number | undefined;
      };
  readonly [name: string]: unknown;
}
interface AnyAttributes extends Attributes {
  readonly class?: Value;
  readonly className?: Value;
  readonly id?: Value;
  readonly title?: Value;
  readonly hidden?: boolean;
  readonly htmlFor?: Value;
  readonly name?: Value;
  readonly value?: Value;
  readonly type?: Value;
  readonly href?: Value;
  readonly src?: Value;
  readonly srcdoc?: string | Html;
}
export declare namespace JSX {
  type Element = Html;
  type ElementType = string | ((props: never) => Child);
  interface ElementChildrenAttribute {
    children: unknown;
  }
  interface IntrinsicAttributes {
    readonly key?: string | number;
  }
  interface IntrinsicElements {
    readonly [tag: string]: AnyAttributes;
  }
}
export declare function jsx(type: JSX.ElementType, props: unknown, key?: string | number): Html;
export declare const jsxs: typeof jsx;
/** `<>…</>` */
export declare function Fragment(props: { readonly children?: Child }): Html;
/** Lets HTML pass as it is. Only for text that no stranger had a hand in. */
export declare function raw(html: string): Html;
export {};
