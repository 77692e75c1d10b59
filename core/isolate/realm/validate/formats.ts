/** The formats of JSON Schema that arktype and the builder emit. An unknown format is a remark, as the standard says. */
import { matches, toPattern } from "./intrinsics.ts";

export interface Format {
  readonly word: string;
  readonly test: (text: string) => boolean;
}

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const UUID = /^[\dA-Fa-f]{8}-[\dA-Fa-f]{4}-[\dA-Fa-f]{4}-[\dA-Fa-f]{4}-[\dA-Fa-f]{12}$/;
const EMAIL = /^[\w%+.-]{1,64}@[\dA-Za-z-]{1,63}(?:\.[\dA-Za-z-]{1,63})*\.[A-Za-z]{2,63}$/;
// A scheme, then no space, quote, angle bracket or control character: what a URL parser would not have to repair.
const URI = /^[A-Za-z][\dA-Za-z+.-]*:[!#-;=?-[\]_a-z~\u00a1-\uffff]+$/;
const HTTP_WITHOUT_HOST = /^https?:(?!\/\/[^/?#])/i;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6_GROUP = /^[\dA-Fa-f]{1,4}$/;

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function isDate(text: string): boolean {
  if (text.length !== 10 || !matches(DATE, text)) return false;
  const year = +(text[0]! + text[1]! + text[2]! + text[3]!);
  const month = +(text[5]! + text[6]!);
  const day = +(text[8]! + text[9]!);
  if (month < 1 || month > 12 || day < 1) return false;
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= DAYS[month - 1]! + (leap ? 1 : 0);
}

function isDateTime(text: string): boolean {
  if (text.length > 64) return false;
  let date = "";
  let time = "";
  for (let i = 0; i < text.length; i++) {
    if (i < 10) date += text[i];
    else if (i > 10) time += text[i];
  }
  const between = text[10];
  return (between === "T" || between === "t" || between === " ") && isDate(date) && matches(TIME, time);
}

/** Groups are counted by hand: one regular expression for all forms of IPv6 is unreadable, and slow on near misses. */
function isIpv6(text: string): boolean {
  if (text.length < 2 || text.length > 45) return false;
  let group = "";
  let groups = 0;
  let gap = false;
  for (let i = 0; i <= text.length; i++) {
    const char = text[i];
    if (char !== ":" && char !== undefined) {
      group += char;
      continue;
    }
    if (group === "") {
      if (char === undefined) return text[i - 2] === ":" && (gap ? groups <= 7 : groups === 8);
      const leading = i === 0;
      if (leading && text[1] !== ":") return false;
      if (!leading) {
        if (gap) return false;
        gap = true;
      }
      continue;
    }
    if (matches(IPV6_GROUP, group)) groups++;
    else if (char === undefined && matches(IPV4, group)) groups += 2;
    else return false;
    group = "";
  }
  return gap ? groups <= 7 : groups === 8;
}

function isPattern(text: string): boolean {
  try {
    toPattern(text);
    return true;
  } catch {
    return false; // a SyntaxError is the answer: the text is no pattern
  }
}

export const FORMATS: Readonly<Record<string, Format | undefined>> = {
  __proto__: null as unknown as undefined,
  email: { word: "an email address", test: (text) => text.length <= 320 && matches(EMAIL, text) },
  uuid: { word: "a UUID", test: (text) => text.length === 36 && matches(UUID, text) },
  uri: { word: "a URL", test: (text) => matches(URI, text) && !matches(HTTP_WITHOUT_HOST, text) },
  ipv4: { word: "an IPv4 address", test: (text) => text.length <= 15 && matches(IPV4, text) },
  ipv6: { word: "an IPv6 address", test: isIpv6 },
  date: { word: "a date (YYYY-MM-DD)", test: isDate },
  time: { word: "a time with its offset (hh:mm:ssZ)", test: (text) => text.length <= 40 && matches(TIME, text) },
  "date-time": { word: "a date and time (RFC 3339)", test: isDateTime },
  regex: { word: "a regular expression", test: isPattern },
};
