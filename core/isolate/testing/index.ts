/** `@aiwebengine/sdk/testing` as it runs in a test realm: the published module, and the host that it asks for. */
import { installHost } from "./host.ts";

export * from "../../../sdk/testing.ts";

installHost();
