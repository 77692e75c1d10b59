/** Content codings: which one a client takes, and bytes in it. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3 */

export type Coding = "br" | "zstd" | "gzip";

/** How a file that is compressed already ends; the coding that makes it smallest first. */
export const ENDINGS: { readonly [coding in Coding]: string } = { br: ".br", zstd: ".zst", gzip: ".gz" };

const COMPRESSIBLE =
  /^(?:text\/|font\/(?:ttf|otf)|image\/(?:svg|x-icon|bmp)|model\/)|[/+](?:json|xml|wasm|javascript|manifest)/;

export function isCompressible(type: string): boolean {
  return COMPRESSIBLE.test(type);
}

/** Those that the client likes no less than the file as it is, in the order of its and then our preference. */
export function acceptedCodings(header: string | null): readonly Coding[] {
  if (header === null) return [];
  const quality = new Map<string, number>();
  for (const part of header.toLowerCase().split(",", 32)) {
    const [name = "", ...parameters] = part.split(";").map((one) => one.trim());
    const q = parameters.find((one) => one.startsWith("q="))?.slice(2);
    quality.set(name === "x-gzip" ? "gzip" : name, q === undefined ? 1 : Number(q) || 0);
  }
  // Not naming it is to take it where nothing better is there.
  const plain = quality.get("identity") ?? 0;
  const of = (coding: Coding): number => quality.get(coding) ?? quality.get("*") ?? 0;
  return (Object.keys(ENDINGS) as Coding[])
    .filter((coding) => of(coding) > 0 && of(coding) >= plain)
    .toSorted((a, b) => of(b) - of(a));
}

/**
 * In threads of the runtime, not in the one that serves. Good levels that cost some milliseconds for a megabyte: it is done
 * once for each version of a file.
 */
export async function compress(bytes: Uint8Array<ArrayBuffer>, coding: Coding): Promise<Uint8Array<ArrayBuffer>> {
  // Not before it is needed: with the streams that it loads it is a megabyte and more.
  const { brotliCompress, constants, gzip, zstdCompress } = await import("node:zlib");
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, result: Buffer): void =>
      error ? reject(error) : resolve(new Uint8Array(result));
    if (coding === "gzip") return gzip(bytes, { level: 6 }, done);
    if (coding === "zstd") return zstdCompress(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 6 } }, done);
    const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
    brotliCompress(bytes, { params: { [BROTLI_PARAM_QUALITY]: 5, [BROTLI_PARAM_SIZE_HINT]: bytes.length } }, done);
  });
}
