/** Owns a kind of registration: scripts register cards, and GET /dashboard shows those of all scripts. */
import { definePlugin, ProblemError, type PointRegistration } from "@aiwebengine/sdk/plugin";

export default definePlugin({
  name: "dashboard",
  version: "1.0.0",
  setup({ point, route }) {
    let cards: readonly PointRegistration[] = [];
    point("cards", {
      functions: { registerCard: { args: ["name", "handler"] } },
      types: `/** A card of /dashboard, with what the handler answers: JSON. */
export declare function registerCard(title: string, handler: (context: PointContext) => unknown): void;`,
      validate({ script, id, name }, all) {
        const twice = all.some((other) => other.script === script && other.name === name && other.id < id);
        if (twice) throw new ProblemError("bad_registration", `there is a card "${name}" already`);
      },
      change: (next) => void (cards = next),
    });
    route("GET /dashboard", async ({ signal }) => {
      const values = await Promise.allSettled(cards.map((card) => card.invoke?.({ signal })));
      const shown = values.map((one) => (one.status === "fulfilled" ? { value: one.value } : { failed: true }));
      return Response.json(cards.map(({ script, name }, at) => ({ script, title: name, ...shown[at] })));
    });
  },
});
