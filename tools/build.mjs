/** Compiles everything to dist/ and bundles the agent for old nodes (dist/lab-agent.cjs, Node 16.20). */
import { join } from "node:path";
import { build } from "esbuild";
import { bin, must, root } from "./run.mjs";

must(bin("tsc"), ["-b"]);

await build({
  entryPoints: [join(root, "dist", "agent", "main.js")],
  outfile: join(root, "dist", "lab-agent.cjs"),
  bundle: true,
  platform: "node",
  target: "node16.20",
  format: "cjs",
  sourcemap: true,
  logLevel: "warning",
  define: { "import.meta.url": "labAgentUrl" },
  banner: { js: 'const labAgentUrl = require("node:url").pathToFileURL(__filename).href;' },
});
