/** What agents get from this script by MCP: a tool, a prompt and a resource. Their address: /mcp, or /mcp/tools for these alone. */
import { HttpError, registerPromptHandler, registerResourceHandler, registerToolHandler } from "@aiwebengine/sdk";

const PRICES: { readonly [room: string]: number } = { attic: 60, garden: 90, tower: 140 };

registerToolHandler(
  "quote",
  {
    description: "What a stay costs, in euros.",
    input: { room: "'attic' | 'garden' | 'tower'", nights: "1 <= number.integer <= 30" },
    output: { euros: "number", discount: "boolean" },
    annotations: { readOnlyHint: true },
  },
  ({ args: { room, nights } }) => {
    const euros = (PRICES[room] ?? 0) * nights;
    return nights >= 7 ? { euros: euros * 0.9, discount: true } : { euros, discount: false };
  },
);

registerPromptHandler(
  "invite",
  { description: "Invites a guest.", arguments: { guest: "string", tone: "'warm' | 'formal'" } },
  ({ args: { guest, tone } }) => `Write ${guest} an invitation to our inn, in a ${tone} voice.`,
);

registerResourceHandler("inn://rooms", { description: "The rooms, with their prices." }, () => PRICES);

registerResourceHandler("inn://rooms/{room}", { description: "One room.", mimeType: "text/plain" }, ({ args }) => {
  const price = Object.hasOwn(PRICES, args["room"] ?? "") ? PRICES[args["room"] ?? ""] : undefined;
  if (price === undefined) throw new HttpError(404, `There is no room "${args["room"]}".`);
  return `The ${args["room"]} room costs ${price} euros a night.`;
});
