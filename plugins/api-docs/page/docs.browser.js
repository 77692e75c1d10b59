/** The page of /docs: reads the OpenAPI document and shows it. What scripts wrote is only ever text, never markup. */
(async () => {
  const place = document.querySelector("meta[name=document]").content;
  const operations = document.getElementById("operations");
  const contents = document.getElementById("contents");
  const search = document.getElementById("search");
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    search.focus();
  });
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
  const { tryRequest, fieldOf, requestOf, pretty } = globalThis.makeTryIt({ make, resolve, sampleOf });
  const { trySocket } = globalThis.makeTrySocket({ make, sampleOf, fieldOf, requestOf, pretty });
  const all = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  for (const { name, description } of api.tags) show(name, description);
  showEndpoints(api["x-endpoints"] ?? []);
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

  /** Addresses that speak protocols of their own: whoever wants one goes there. */
  function showEndpoints(endpoints) {
    if (endpoints.length === 0) return;
    const rows = endpoints.map(({ title, path, summary }) =>
      make(
        "li",
        {},
        make("b", {}, title),
        make("a", { href: path }, make("code", {}, path)),
        make("span", {}, summary),
      ),
    );
    operations.prepend(make("section", { class: "endpoints" }, make("h2", {}, "Endpoints"), make("ul", {}, ...rows)));
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
    const { parameters = [], requestBody, responses, description, "x-websocket": socket } = operation;
    const types = Object.entries(requestBody?.content ?? {});
    return make(
      "div",
      { class: "inside" },
      description && make("p", { class: "told" }, description),
      parameters.length > 0 ? make("h4", {}, "Parameters") : undefined,
      parameters.length > 0 ? parameterTable(parameters) : undefined,
      types.length > 0 ? make("h4", {}, "Body ", make("small", {}, types.map(([type]) => type).join(", "))) : undefined,
      types.length > 0 ? schemaBlock(types[0][1].schema) : undefined,
      socket?.input && make("h4", {}, "Messages of clients"),
      socket?.input && schemaBlock(socket.input),
      make("h4", {}, "Answers"),
      answerList(responses),
      make("h4", {}, "Try it"),
      socket === undefined
        ? tryRequest({
            path,
            method,
            parameters,
            types: types.map(([type]) => type),
            schema: types[0]?.[1].schema,
            accept: Object.keys(responses["2XX"]?.content ?? {})[0],
          })
        : trySocket({ path, parameters, schema: socket.input }),
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
    const { 101: switched, "2XX": success = switched, "3XX": redirect, ...failures } = responses;
    const [type, media] = Object.entries(success.content ?? {})[0] ?? [];
    const item = media?.["x-itemSchema"];
    const shown = media === undefined ? undefined : schemaBlock(item ?? media.schema);
    const told = Object.entries(failures).map(([status, one]) =>
      make("li", {}, make("b", {}, status), make("span", { class: "told" }, resolve(one).description)),
    );
    const codes = Object.keys(failures).join(", ");
    return make(
      "div",
      {},
      make(
        "p",
        {},
        make("b", {}, switched === undefined ? "2XX" : "101"),
        ` ${type ?? success.description}${item === undefined ? "" : ", each event:"}`,
      ),
      shown,
      redirect && make("p", {}, make("b", {}, "3XX"), ` ${redirect.description}`),
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
