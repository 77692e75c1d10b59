/** Tests of config values that name hosts: each answers what it wanted instead, or undefined. */

const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const HOST = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$/;

// URL instead of node:net and node:url, which would cost every start some milliseconds.
/** An address or a range. Strict: `10.0.0.1/33`, `127.1` and `0x7f.1` are slips that would match nothing, or too much. */
function isRange(value: string): boolean {
  const [address = "", bits, ...more] = value.split("/");
  const four = IPV4.test(address);
  if (!four && !(/^[0-9a-f:.]+$/i.test(address) && URL.canParse(`http://[${address}]/`))) return false;
  return more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (four ? 32 : 128)));
}

export const isAddress = (value: string): string | undefined =>
  isRange(value) ? undefined : 'an IP address or a range such as "10.0.0.0/8"';

export function isHost(value: string): string | undefined {
  if (isRange(value)) return undefined;
  const written = value.replace(/^\*\./, "");
  // As the URL parser reads it: in ASCII, and an address where it takes the name for one.
  const name = /[\s%/:@?#\\[\]]/.test(written) ? "" : (URL.parse(`http://${written}/`)?.hostname ?? "");
  if (HOST.test(name) && !IPV4.test(name)) return undefined;
  return 'a host such as "api.example.com" or "*.example.com", or an IP address or range, without a port';
}
