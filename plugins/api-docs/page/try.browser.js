/** The form of /docs that sends a request, shows it as `curl`, and its answer as it comes: problems in words, streams by event. */
globalThis.makeTryIt = ({ make, resolve, sampleOf }) => {
  /** Characters of an answer, and events of a stream, that are shown. */
  const MOST_TEXT = 200_000;
  const MOST_EVENTS = 200;
  return { tryRequest, fieldOf, requestOf, pretty };

  function tryRequest({ path, method, parameters, types, schema, accept }) {
    const fields = parameters.map(fieldOf);
    const known = types
      .filter((type) => !/form/.test(type))
      .map((type) => (type === "*/*" ? "application/json" : type));
    const kind = make("select", { "aria-label": "Content type" }, ...known.map((type) => make("option", {}, type)));
    const body = make("textarea", { rows: "6", spellcheck: "false", "aria-label": "Body" });
    if (schema !== undefined) body.value = JSON.stringify(sampleOf(schema), null, 2);
    const curl = make("pre", { class: "curl", tabindex: "0" });
    const output = make("div", { class: "output", "aria-live": "polite" });
    const stop = make("button", { type: "button", class: "stop", hidden: "" }, "Stop");
    const buttons = make("div", { class: "buttons" }, make("button", {}, "Send"), stop);
    const form = make(
      "form",
      {},
      ...fields.map(({ label }) => label),
      ...(known.length > 0 ? [kind, body] : []),
      buttons,
      curl,
      output,
    );
    const read = () => {
      const sent = known.length > 0 ? { type: kind.value, text: body.value } : undefined;
      return requestOf({ path, method, fields, body: sent, accept });
    };
    const tell = () => (curl.textContent = curlOf(read()));
    form.addEventListener("input", tell);
    tell();
    let running;
    stop.addEventListener("click", () => running?.abort());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      running?.abort();
      const mine = (running = new AbortController());
      const show = (...shown) => mine === running && output.replaceChildren(...shown);
      show(make("p", {}, "Waiting for the answer…"));
      stop.hidden = false;
      await ask(read(), mine.signal, show);
      if (mine === running) stop.hidden = true;
    });
    return form;
  }

  function fieldOf(parameter) {
    const { name, in: where, required, schema } = parameter;
    const own = resolve(schema) ?? {};
    const choices = own.enum ?? (own.type === "boolean" ? [true, false] : undefined);
    const sample = required ? sampleOf(own) : "";
    const input =
      choices === undefined
        ? make("input", { name, autocomplete: "off", spellcheck: "false" })
        : make(
            "select",
            { name },
            ...(required ? [] : [make("option", { value: "" }, "not sent")]),
            ...choices.map((one) => make("option", {}, String(one))),
          );
    input.value = typeof sample === "string" ? sample : JSON.stringify(sample);
    input.required = required === true;
    return { parameter, input, label: make("label", {}, make("span", {}, `${name} (${where})`), input) };
  }

  function requestOf({ path, method, fields, body, accept }) {
    const query = new URLSearchParams();
    const headers = accept === "text/event-stream" ? { accept } : {};
    let target = path;
    for (const { parameter, input } of fields) {
      const { name, in: where, description = "" } = parameter;
      const { value } = input;
      if (where === "path") {
        const rest = description.startsWith("The rest of the path");
        const text = rest ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
        target = target.replace(`{${name}}`, () => text);
      } else if (value !== "" && where === "query") {
        if (name === "*") for (const [key, one] of new URLSearchParams(value)) query.append(key, one);
        else
          for (const one of resolve(parameter.schema)?.type === "array" ? value.split(",") : [value])
            query.append(name, one);
      } else if (value !== "") headers[name] = value;
    }
    const sent = body !== undefined && body.text !== "";
    if (sent) headers["content-type"] = body.type;
    const url = location.origin + target + (query.size > 0 ? `?${query}` : "");
    return { url, method, headers, ...(sent ? { body: body.text } : {}) };
  }

  function curlOf({ url, method, headers, body }) {
    const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
    const open = headers.accept === "text/event-stream" ? "-N " : "";
    const parts = [`curl ${open}${method === "GET" ? "" : `-X ${method} `}${quote(url)}`];
    for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quote(`${name}: ${value}`)}`);
    if (body !== undefined) parts.push(`--data-raw ${quote(body)}`);
    return parts.join(" \\\n  ");
  }

  async function ask({ url, ...init }, signal, show) {
    const since = performance.now();
    let state;
    let told;
    try {
      const answer = await fetch(url, { ...init, signal, cache: "no-store" });
      const type = answer.headers.get("content-type") ?? "";
      state = make("p", { class: answer.ok ? "good" : "bad" });
      told = (rest) => state.replaceChildren(make("b", {}, `${answer.status} ${answer.statusText}`), ` ${rest}`);
      const took = () => `in ${Math.round(performance.now() - since)} ms`;
      told(took());
      const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      const more = make("details", {}, make("summary", {}, "Headers"), make("pre", {}, headers));
      const content = make("div");
      show(state, more, content);
      if (type.startsWith("text/event-stream")) {
        const count = await follow(answer.body, content, (events) => told(`open, ${plural(events)} so far`));
        return told(`ended by the server after ${plural(count)}`);
      }
      const bytes = await answer.arrayBuffer();
      told(`${took()}, ${bytes.byteLength} bytes`);
      if (type.startsWith("application/problem+json")) content.append(...inWords(bytes));
      content.append(make("pre", { class: "answer", tabindex: "0" }, readable(bytes, type)));
    } catch (error) {
      if (!signal.aborted) return show(make("p", { class: "bad" }, `No answer: ${error.message}.`));
      if (told !== undefined) told("stopped");
      else show(make("p", {}, "Stopped."));
    }
  }

  /** What failed, before the whole of it. */
  function inWords(bytes) {
    try {
      const { title, detail, errors = [] } = JSON.parse(new TextDecoder().decode(bytes));
      const fields = errors.map(({ path, message }) => make("li", {}, make("code", {}, path), ` ${message}`));
      return [make("p", {}, make("b", {}, title), `: ${detail}`), make("ul", { class: "faults" }, ...fields)];
    } catch {
      return [];
    }
  }

  /** Shows each event as it comes, the newest first; answers how many there were. */
  async function follow(body, content, count) {
    const list = make("ol", { class: "events", "aria-label": "Events" });
    content.append(list);
    const decoder = new TextDecoder();
    const reader = body.getReader();
    let text = "";
    let events = 0;
    count(0);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return events;
      text += decoder.decode(value, { stream: true });
      const blocks = text.replaceAll("\r\n", "\n").split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const event = eventOf(block);
        if (event === undefined) continue;
        list.prepend(event);
        if (list.children.length > MOST_EVENTS) list.lastChild.remove();
        count(++events);
      }
    }
  }

  /** https://html.spec.whatwg.org/multipage/server-sent-events.html */
  function eventOf(block) {
    const lines = block.split("\n").map((line) => /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []);
    const valueOf = (field) => lines.findLast(([, name]) => name === field)?.[2];
    const data = lines.flatMap(([, name, value = ""]) => (name === "data" ? [value] : []));
    if (data.length === 0) return undefined;
    const about = [new Date().toLocaleTimeString(), valueOf("event") ?? "message", valueOf("id") ?? ""];
    return make("li", {}, make("small", {}, about.join("  ")), make("pre", {}, pretty(data.join("\n"))));
  }

  function plural(events) {
    return `${events} event${events === 1 ? "" : "s"}`;
  }

  function readable(bytes, type) {
    if (!/json|text|xml|javascript|^$/.test(type)) return `${bytes.byteLength} bytes of ${type}`;
    const text = new TextDecoder().decode(bytes.slice(0, MOST_TEXT));
    return /json/.test(type) ? pretty(text) : text;
  }

  function pretty(text) {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  }
};
