/** A guest book as an HTML page: JSX on the server, everything that visitors write is escaped. */
import { redirect, registerWebHandler, type Child } from "@aiwebengine/sdk";

interface Entry {
  readonly name: string;
  readonly text: string;
}

function Page(props: { readonly title: string; readonly children?: Child }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>{props.title}</title>
      </head>
      <body style={{ maxWidth: 640, margin: "2rem auto", fontFamily: "sans-serif" }}>
        <h1>{props.title}</h1>
        {props.children}
      </body>
    </html>
  );
}

registerWebHandler("GET /pages", async ({ kv }) => {
  const { entries } = await kv.list<Entry>({ prefix: "entry/", limit: 100 });
  return (
    <Page title="Guest book">
      <form method="post" action="/pages">
        <input name="name" placeholder="Your name" required maxlength={40} />
        <textarea name="text" required maxlength={280} />
        <button>Sign</button>
      </form>
      <ul>
        {entries.map(({ value }) => (
          <li>
            <strong>{value.name}</strong>: {value.text}
          </li>
        ))}
      </ul>
    </Page>
  );
});

registerWebHandler(
  "POST /pages",
  { body: { name: "0 < string <= 40", text: "0 < string <= 280" } },
  async ({ id, body, kv }) => {
    await kv.set(`entry/${id}`, body);
    return redirect("/pages", 303);
  },
);
