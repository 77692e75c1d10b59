/** The page of /docs: reads the OpenAPI document and shows it. What scripts wrote is only ever text, never markup. */
(async () => {
  const place = document.querySelector("meta[name=document]").content;
  const operations = document.getElementById("operations");
  const contents = document.getElementById("contents");
  const search = document.getElementById("search");
  let api;
  try {
    const answer = await fetch(place);
    if (!answer.ok) throw new Error(`${place} answers ${answer.status}`);
    api = await answer.json();
  } catch (error) {
    operations.replaceChildren(make("p", { class: "bad" }, `The document cannot be read: ${error.message}.`));
    return;
  }
  const { resolve, typeOf, notesOf, sampleOf } = globalThis.readSchemas(api);
  const all = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  for (const { name, description } of api.tags) show(name, description);
  if (all.length === 0) operations.append(make("p", {}, "No route serves yet."));
  search.addEventListener("input", () => filter(search.value));
  addEventListener("hashchange", () => openNamed());
  openNamed();

  /** An element. `on…` are listeners, other properties are attributes; children are nodes or text. */
  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== undefined));
    return element;
  }

  function show(tag, description) {
    const mine = all.filter(({ operation }) => operation.tags[0] === tag);
    if (mine.length === 0) return;
    const links = mine.map((one) => {
      one.link = make(
        "a",
        { href: `#${encodeURIComponent(one.operation.operationId)}` },
        badge(one),
        make("span", {}, one.path),
      );
      return make("li", {}, one.link);
    });
    const cards = mine.map((one) => (one.card = cardOf(one)));
    const group = [make("div", { class: "group" }, make("h3", {}, tag), make("ul", {}, ...links))];
    const section = make("section", {}, make("h2", {}, tag), description && make("p", {}, description), ...cards);
    for (const one of mine) one.holders = [section, ...group];
    contents.append(...group);
    operations.append(section);
  }

  function badge({ method }) {
    return make("b", { class: `method ${method.toLowerCase()}` }, method);
  }

  /** What is inside is made when it is opened: an engine may have a thousand routes. */
  function cardOf(one) {
    const { operation, path } = one;
    const title = make(
      "summary",
      { class: operation.deprecated ? "deprecated" : "" },
      badge(one),
      make("code", {}, path),
      make("span", {}, operation.deprecated ? "deprecated" : "", " ", operation.summary ?? ""),
    );
    const card = make("details", { id: operation.operationId }, title);
    card.addEventListener("toggle", () => card.open && card.children.length === 1 && card.append(inside(one)), {});
    return card;
  }

  function inside({ path, method, operation }) {
    const { parameters = [], requestBody, responses, description } = operation;
    const types = Object.entries(requestBody?.content ?? {});
    return make(
      "div",
      { class: "inside" },
      description && make("p", { class: "told" }, description),
      parameters.length > 0 ? make("h4", {}, "Parameters") : undefined,
      parameters.length > 0 ? parameterTable(parameters) : undefined,
      types.length > 0 ? make("h4", {}, "Body ", make("small", {}, types.map(([type]) => type).join(", "))) : undefined,
      types.length > 0 ? schemaBlock(types[0][1].schema) : undefined,
      make("h4", {}, "Answers"),
      answerList(responses),
      make("h4", {}, "Try it"),
      tryOf(
        path,
        method,
        parameters,
        types.map(([type]) => type),
        types[0]?.[1].schema,
      ),
    );
  }

  function parameterTable(parameters) {
    const rows = parameters.map(({ name, in: where, required, schema, description }) =>
      make(
        "tr",
        {},
        make("td", {}, make("code", {}, name), required ? make("em", {}, " required") : undefined),
        make("td", {}, where),
        make(
          "td",
          {},
          make("code", {}, typeOf(schema)),
          ` ${[description, notesOf(schema)].filter(Boolean).join("; ")}`,
        ),
      ),
    );
    const head = ["name", "in", "takes"].map((text) => make("th", {}, text));
    return make("div", { class: "wide" }, make("table", {}, make("tr", {}, ...head), ...rows));
  }

  function answerList(responses) {
    const { "2XX": success, ...failures } = responses;
    const [type, media] = Object.entries(success.content ?? {})[0] ?? [];
    const shown = media === undefined ? undefined : schemaBlock(media.schema);
    const told = Object.entries(failures).map(([status, one]) =>
      make("li", {}, make("b", {}, status), make("span", { class: "told" }, resolve(one).description)),
    );
    const codes = Object.keys(failures).join(", ");
    return make(
      "div",
      {},
      make("p", {}, make("b", {}, "2XX"), ` ${type ?? success.description}`),
      shown,
      make(
        "details",
        {},
        make("summary", {}, make("b", {}, codes), " application/problem+json"),
        make("ul", {}, ...told),
      ),
    );
  }

  function schemaBlock(schema) {
    return make("pre", {}, schema === undefined ? "anything" : typeOf(schema));
  }

  function tryOf(path, method, parameters, types, schema) {
    const fields = parameters.map((parameter) => {
      const { name, in: where, required, schema: own } = parameter;
      const sample = required ? sampleOf(own) : "";
      const input = make("input", { name, autocomplete: "off", spellcheck: "false" });
      input.value = typeof sample === "string" ? sample : JSON.stringify(sample);
      return { parameter, input, label: make("label", {}, make("span", {}, `${name} (${where})`), input) };
    });
    const known = types
      .filter((type) => !/form/.test(type))
      .map((type) => (type === "*/*" ? "application/json" : type));
    const kind = make("select", { "aria-label": "Content type" }, ...known.map((type) => make("option", {}, type)));
    const body = make("textarea", { rows: "6", spellcheck: "false", "aria-label": "Body" });
    if (schema !== undefined) body.value = JSON.stringify(sampleOf(schema), null, 2);
    const curl = make("pre", { class: "curl" });
    const output = make("div", { class: "output", "aria-live": "polite" });
    const send = make("button", {}, "Send");
    const form = make(
      "form",
      {},
      ...fields.map(({ label }) => label),
      ...(known.length > 0 ? [kind, body] : []),
      send,
      curl,
      output,
    );
    const read = () =>
      requestOf(path, method, fields, known.length > 0 ? { type: kind.value, text: body.value } : undefined);
    const tell = () => (curl.textContent = curlOf(read()));
    form.addEventListener("input", tell);
    tell();
    let running;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      running?.abort();
      const { signal } = (running = new AbortController());
      output.replaceChildren(make("p", {}, "Waiting for the answer…"));
      const shown = await ask(read(), signal);
      if (!signal.aborted) output.replaceChildren(...shown);
    });
    return form;
  }

  function requestOf(path, method, fields, body) {
    const query = new URLSearchParams();
    const headers = {};
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
    const parts = [`curl ${method === "GET" ? "" : `-X ${method} `}${quote(url)}`];
    for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quote(`${name}: ${value}`)}`);
    if (body !== undefined) parts.push(`--data-raw ${quote(body)}`);
    return parts.join(" \\\n  ");
  }

  async function ask({ url, ...init }, signal) {
    const since = performance.now();
    try {
      const answer = await fetch(url, { ...init, signal, cache: "no-store" });
      const bytes = await answer.arrayBuffer();
      const took = Math.round(performance.now() - since);
      const state = make(
        "p",
        { class: answer.ok ? "good" : "bad" },
        make("b", {}, `${answer.status} ${answer.statusText}`),
        ` in ${took} ms, ${bytes.byteLength} bytes`,
      );
      const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      const more = make("details", {}, make("summary", {}, "Headers"), make("pre", {}, headers));
      return [state, more, make("pre", { class: "answer" }, readable(bytes, answer.headers.get("content-type") ?? ""))];
    } catch (error) {
      return [make("p", { class: "bad" }, `No answer: ${error.message}.`)];
    }
  }

  function readable(bytes, type) {
    if (!/json|text|xml|javascript|^$/.test(type)) return `${bytes.byteLength} bytes of ${type}`;
    const text = new TextDecoder().decode(bytes.slice(0, 200_000));
    try {
      return /json/.test(type) ? JSON.stringify(JSON.parse(text), null, 2) : text;
    } catch {
      return text;
    }
  }

  function filter(words) {
    const wanted = words.toLowerCase().split(/\s+/);
    const holders = new Map();
    for (const { path, method, operation, card, link, holders: mine = [] } of all) {
      const { summary = "", description = "", tags } = operation;
      const text = [method, path, summary, description, ...tags].join(" ").toLowerCase();
      const hidden = !wanted.every((word) => text.includes(word));
      if (card) card.hidden = link.parentElement.hidden = hidden;
      for (const holder of mine) holders.set(holder, (holders.get(holder) ?? false) || !hidden);
    }
    for (const [holder, some] of holders) holder.hidden = !some;
  }

  function openNamed() {
    let name = "";
    try {
      name = decodeURIComponent(location.hash.slice(1));
    } catch {
      return;
    }
    const found = all.find(({ operation }) => operation.operationId === name);
    if (found?.card === undefined) return;
    found.card.open = true;
    found.card.scrollIntoView({ block: "start" });
  }
})();
