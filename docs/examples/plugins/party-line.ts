/** Everybody who connects to /party-line hears what the others say. */
import { definePlugin, type Socket } from "@aiwebengine/sdk/plugin";

/** The longest queue of a guest who does not listen. */
const PATIENCE_BYTES = 100_000;

export default definePlugin({
  name: "party-line",
  version: "1.0.0",
  setup({ route, keep }) {
    // Guests stay when this file is saved: the set outlives generations, and so do the handlers below, which know no more.
    const guests = keep(
      "guests",
      () => new Set<Socket>(),
      (last) => last.forEach((guest) => guest.close(1001, "The line is closed.")),
    );
    route("GET /party-line", (event) =>
      event.upgrade({
        lasting: true,
        maxMessageBytes: 1000,
        open: (socket) => void guests.add(socket),
        message(socket, data) {
          for (const guest of guests) {
            if (guest === socket) continue;
            if (guest.bufferedBytes > PATIENCE_BYTES) guest.terminate();
            else guest.send(data);
          }
        },
        close: (socket) => void guests.delete(socket),
      }),
    );
  },
});
