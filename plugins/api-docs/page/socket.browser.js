/** The form of /docs for a WebSocket: connects, sends what is written, and shows what comes and goes. */
globalThis.makeTrySocket = ({ make, sampleOf, fieldOf, requestOf, pretty }) => {
  const MOST_MESSAGES = 200;
  return { trySocket };

  function trySocket({ path, parameters, schema }) {
    const fields = parameters.map(fieldOf);
    const message = make("textarea", { rows: "4", spellcheck: "false", "aria-label": "Message", disabled: "" });
    message.value = schema === undefined ? '"hello"' : JSON.stringify(sampleOf(schema), null, 2);
    const connect = make("button", { type: "button", onclick: () => open() }, "Connect");
    const close = make(
      "button",
      { type: "button", class: "stop", hidden: "", onclick: () => socket.close(1000) },
      "Close",
    );
    const send = make("button", { disabled: "" }, "Send");
    const state = make("p", { role: "status" });
    const list = make("ol", { class: "events", "aria-label": "Messages" });
    const form = make(
      "form",
      {},
      ...fields.map(({ label }) => label),
      make("div", { class: "buttons" }, connect, close),
      message,
      send,
      state,
      list,
    );
    let socket;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (socket?.readyState !== WebSocket.OPEN) return;
      socket.send(message.value);
      show("sent", message.value);
    });
    return form;

    function open() {
      if (!form.reportValidity()) return;
      socket?.close(1000);
      const { url } = requestOf({ path, method: "GET", fields });
      const mine = (socket = new WebSocket(url.replace(/^http/, "ws")));
      const tell = (text, well) => {
        if (mine !== socket) return;
        state.className = well ? "good" : "bad";
        state.replaceChildren(make("b", {}, text));
        for (const one of [message, send]) one.disabled = !well;
        close.hidden = !well;
        connect.hidden = well;
      };
      tell("Connecting…", false);
      let opened = false;
      mine.addEventListener("open", () => tell("Connected", (opened = true)));
      mine.addEventListener("message", ({ data }) => show("came", String(data)));
      mine.addEventListener("close", ({ code, reason }) => {
        // A page is not told why a connection is refused: the answer to a GET says it.
        const why = opened ? `Closed: ${code} ${reason}` : `Refused: curl ${url} says why`;
        tell(why.trim(), false);
      });
    }

    function show(what, text) {
      const about = `${new Date().toLocaleTimeString()}  ${what}`;
      list.prepend(make("li", {}, make("small", {}, about), make("pre", {}, pretty(text))));
      if (list.children.length > MOST_MESSAGES) list.lastChild.remove();
    }
  }
};
