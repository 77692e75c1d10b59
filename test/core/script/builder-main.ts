/** What a test starts as a builder, in place of the whole program. */
import { runBuilder } from "../../../core/isolate/builder.ts";

await runBuilder();
