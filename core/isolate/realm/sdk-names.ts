/** What `@aiwebengine/sdk` exports inside a realm. The builder's virtual module and the classic globals follow it. */
export const SDK_NAMES = [
  "registerWebHandler",
  "register",
  "HttpError",
  "json",
  "text",
  "html",
  "redirect",
  "kv",
  "log",
  "config",
  "limits",
  "waitUntil",
] as const;

/** What `@aiwebengine/sdk/jsx-runtime` exports inside a realm. */
export const JSX_NAMES = ["jsx", "jsxs", "Fragment", "raw"] as const;
