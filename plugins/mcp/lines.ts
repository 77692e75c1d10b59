/** Reads streams of text: lines, and the data of server-sent events (WHATWG HTML, 9.2.6). */

/** Without their ends; empty ones are left out. */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  for await (const line of allLines(stream)) if (line.trim() !== "") yield line;
}

/** The data of each event of the kind `message`. */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let data: string[] = [];
  let kind = "";
  for await (const line of allLines(stream)) {
    if (line === "") {
      if (data.length > 0 && (kind === "" || kind === "message") && data.join("") !== "") yield data.join("\n");
      data = [];
      kind = "";
    } else if (line.startsWith("data:")) data.push(line.slice("data:".length).replace(/^ /, ""));
    else if (line.startsWith("event:")) kind = line.slice("event:".length).replace(/^ /, "");
  }
}

async function* allLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  if (rest !== "") yield rest.replace(/\r$/, "");
}
