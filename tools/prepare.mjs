/** Installs what is missing and builds: what `npm run demo` does before it starts. */
import { join } from "node:path";
import { installDependencies, must, root } from "./run.mjs";

installDependencies();
must(process.execPath, [join(root, "tools", "build.mjs")]);
