/** Plugins as text, to be dropped into a project. */

/** A dropped plugin whose setup has this body. */
export function plugin(name: string, setup: string, rest = ""): string {
  return `import { definePlugin } from "@aiwebengine/sdk/plugin";
export default definePlugin({
  name: "${name}",
  version: "1.0.0",
  ${rest}
  setup(ctx) {
    ${setup}
  },
});
`;
}
