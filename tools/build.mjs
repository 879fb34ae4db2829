/** Compiles everything to dist/ and bundles the agent for old nodes (dist/lab-agent.cjs, Node 16.20). */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { bin, must, root } from "./run.mjs";

must(bin("tsc"), ["-b"]);

const entry = join(root, "dist", "agent", "main.js");
if (existsSync(entry)) {
  await build({
    entryPoints: [entry],
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
}
