/** The page of the chat. What people write is only ever text here, never markup. */
const base = `/chat/rooms/${document.body.dataset.room}`;
const list = document.getElementById("messages");
const state = document.getElementById("state");
const fault = document.getElementById("fault");
const form = document.getElementById("say");
const { name, text } = form.elements;

name.value = localStorage.getItem("chat-name") ?? "";
(name.value === "" ? name : text).focus();
connect();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void say();
});

function connect() {
  const source = new EventSource(`${base}/events`);
  // Also after each time the connection was lost: what was said meanwhile is in the last messages, or comes by itself.
  source.addEventListener("open", async () => {
    tell("Connected", true);
    const answer = await fetch(`${base}/messages`);
    if (answer.ok) for (const message of await answer.json()) show(message);
    document.getElementById("empty").hidden = list.children.length > 0;
  });
  source.addEventListener("message", ({ data }) => show(JSON.parse(data)));
  source.addEventListener("error", () => {
    tell("Connection lost, coming back…", false);
    // It comes back by itself, unless the server refused it.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  });
}

function tell(words, well) {
  state.textContent = words;
  state.classList.toggle("well", well);
}

async function say() {
  fault.textContent = "";
  localStorage.setItem("chat-name", name.value);
  const body = JSON.stringify({ name: name.value.trim(), text: text.value.trim() });
  try {
    const answer = await fetch(`${base}/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    if (!answer.ok) {
      const { detail, errors = [] } = await answer.json();
      throw new Error(errors[0] ? `${errors[0].path} ${errors[0].message}` : detail);
    }
    text.value = "";
  } catch (error) {
    fault.textContent = `Not sent: ${error.message}`;
  }
  text.focus();
}

/** Ids grow with time: a message that is there already is not shown twice, and a late one comes to its place. */
function show({ id, at, name: who, text: said }) {
  if (document.getElementById(id) !== null) return;
  const item = document.createElement("li");
  item.id = id;
  item.classList.toggle("own", who === name.value.trim());
  item.style.setProperty("--hue", String(hueOf(who)));
  const when = element("time", new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  when.dateTime = at;
  item.append(element("b", who), when, element("p", said));
  const atEnd = innerHeight + scrollY > document.body.scrollHeight - 80;
  list.insertBefore(item, [...list.children].find((other) => other.id > id) ?? null);
  document.getElementById("empty").hidden = true;
  if (atEnd) scrollTo(0, document.body.scrollHeight);
}

function element(tag, content) {
  const made = document.createElement(tag);
  made.textContent = content;
  return made;
}

/** A colour for each name, always the same. */
function hueOf(who) {
  return [...who].reduce((hue, sign) => (hue * 31 + sign.codePointAt(0)) % 360, 7);
}
