/** Generates proto/gen from proto/lab. The result is committed. */
import { installDependencies, installTools, must, root } from "./run.mjs";
import { join } from "node:path";

installDependencies();
installTools();
must(join(root, "tools", "node_modules", ".bin", "buf"), ["generate", "../proto", "--template", "buf.gen.yaml"], {
  cwd: join(root, "tools"),
});
