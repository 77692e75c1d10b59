/** The module `@aiwebengine/sdk/testing` with its host, as the build bundled it; read only where tests are built. */
import source from "../../../dist/testing.txt" with { type: "text" };

export const testingSource: string = source;
