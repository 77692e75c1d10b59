/** atob and btoa. https://html.spec.whatwg.org/#atob */
import { ask } from "../host.ts";
import { Op } from "../ops.ts";
import { need, toText } from "./convert.ts";
import { makeDomException } from "./dom-exception.ts";

function convert(op: number, value: unknown, fault: string): string {
  const answer = ask(op, toText(value));
  if (typeof answer === "string") return answer;
  throw makeDomException(fault, "InvalidCharacterError");
}

/** As methods of an object, so that they have no `prototype` and cannot be constructed, like the platform's. */
export const base64 = {
  atob(data: unknown): string {
    need(arguments.length, 1, "atob");
    return convert(Op.Atob, data, "atob: the text is not base64");
  },
  btoa(data: unknown): string {
    need(arguments.length, 1, "btoa");
    return convert(Op.Btoa, data, "btoa: a character is above 255");
  },
};
