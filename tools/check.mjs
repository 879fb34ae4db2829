/** `npm run check`: format, lint, types, architecture, unit: about a minute. Every part runs even when an earlier one failed. */
import { join } from "node:path";
import { bin, installDependencies, installTools, prepareTap, root, run, tool } from "./run.mjs";

installDependencies();
installTools();
prepareTap();
const parts = {
  "types and bundles": () => run(process.execPath, [join(root, "tools", "build.mjs")]),
  format: () => tool("biome", ["format", "."]),
  lint: () => tool("oxlint", ["--type-aware", "--deny-warnings"]),
  "architecture and unit": () => run(bin("tap"), ["run", "--reporter=terse", "dist/test/*.test.js", "dist/test/unit/**/*.test.js"]),
};
let failed = 0;
for (const [name, part] of Object.entries(parts)) {
  const began = Date.now();
  const code = part();
  process.stdout.write(`${code === 0 ? "ok    " : "FAILED"} ${name} ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
  if (code !== 0) failed += 1;
}
process.exit(failed === 0 ? 0 : 1);
