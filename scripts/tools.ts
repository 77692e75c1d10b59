/** What agents get from this script by MCP: tools, a prompt and resources. Their address: /mcp, or /mcp/tools for these alone. */
import {
  HttpError,
  kv,
  mcp,
  registerPromptHandler,
  registerResourceHandler,
  registerToolHandler,
} from "@aiwebengine/sdk";

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

registerToolHandler(
  "book",
  {
    description: "Books a room for a guest.",
    input: { room: "'attic' | 'garden' | 'tower'", guest: "1 <= string <= 80" },
  },
  async ({ args: { room, guest } }) => {
    await mcp.progress(1, 3, "looking whether it is free");
    const free = await kv.compareAndSet(`booked/${room}`, null, guest);
    if (!free) throw new HttpError(409, `The ${room} room is taken.`);
    await mcp.progress(2, 3, "telling the kitchen");
    await mcp.log("notice", { room, guest });
    await mcp.resourceChanged("inn://board");
    await mcp.progress(3, 3, "done");
    return `The ${room} room is ${guest}'s.`;
  },
);

registerPromptHandler(
  "invite",
  { description: "Invites a guest.", arguments: { guest: "string", tone: "'warm' | 'formal'" } },
  ({ args: { guest, tone } }) => `Write ${guest} an invitation to our inn, in a ${tone} voice.`,
);

registerResourceHandler("inn://rooms", { description: "The rooms, with their prices." }, () => PRICES);

registerResourceHandler("inn://board", { description: "Who has which room." }, async () => {
  const { entries } = await kv.list<string>({ prefix: "booked/" });
  return Object.fromEntries(entries.map(({ key, value }) => [key.slice("booked/".length), value]));
});

registerResourceHandler(
  "inn://rooms/{room}",
  {
    description: "One room.",
    mimeType: "text/plain",
    complete: ({ args: { value } }) => Object.keys(PRICES).filter((room) => room.startsWith(value)),
  },
  ({ args }) => {
    const price = Object.hasOwn(PRICES, args["room"] ?? "") ? PRICES[args["room"] ?? ""] : undefined;
    if (price === undefined) throw new HttpError(404, `There is no room "${args["room"]}".`);
    return `The ${args["room"]} room costs ${price} euros a night.`;
  },
);
