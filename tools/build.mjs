/** Compiles everything to dist/ and bundles the agent for old nodes (dist/lab-agent.cjs, Node 16.20). */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { bin, must, root } from "./run.mjs";

removeStale();
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
  // ssh2 does without native parts it cannot load, and an old node has none (decision 0001).
  external: ["cpu-features", "*.node"],
  banner: { js: 'const labAgentUrl = require("node:url").pathToFileURL(__filename).href;' },
});

/** What was compiled from a source that is gone: a test deleted must not go on passing. */
function removeStale() {
  if (!existsSync(join(root, "dist"))) return;
  for (const name of readdirSync(join(root, "dist"), { recursive: true })) {
    const [, source] = /^(.*)\.(?:js|d\.ts)(?:\.map)?$/.exec(name) ?? [];
    if (source !== undefined && !existsSync(join(root, `${source}.ts`))) rmSync(join(root, "dist", name), { force: true });
  }
}
