/** GraphiQL, for the address that it is loaded from: operations by POST, subscriptions as server-sent events. */
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { getOperationAST, parse } from "graphql";
import { createClient } from "graphql-sse";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import "./graphiql.css";

const url = location.origin + location.pathname;
const send = createGraphiQLFetcher({ url, enableIncrementalDelivery: false });

function fetcher(operation, { headers = {} } = {}) {
  if (!isSubscription(operation)) return send(operation, { headers });
  // What is wrong with a subscription is shown once, not asked for again and again.
  return createClient({ url, headers, retryAttempts: 0 }).iterate(operation);
}

/** The document that GraphiQL hands over is that of a moment ago. */
function isSubscription({ query, operationName }) {
  try {
    return getOperationAST(parse(query), operationName)?.operation === "subscription";
  } catch {
    return false; // the engine says what is wrong with it
  }
}

/** Short lines: the editor has less than half of the page, and does not wrap them. */
const WELCOME = `# Ctrl-Enter runs it,
# Ctrl-Space completes,
# the book shows the schema.
{
  __typename
}
`;

document.title = "GraphiQL";
// Its dialogs keep the page behind them from scrolling, by a style that the policy refuses; this page does not scroll.
createRoot(document.getElementById("page")).render(createElement(GraphiQL, { fetcher, defaultQuery: WELCOME }));
