/**
 * Compiles everything to dist/ and bundles: for old nodes (Node 16.20) the agent, and the stand-in proxy of HEXO for a real board; for
 * speed the stand-in tools of simulated machines, which are started once a command.
 */
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { bin, must, root } from "./run.mjs";

removeStale();
must(bin("tsc"), ["-b"]);

const oldNode = { bundle: true, platform: "node", target: "node16.20", format: "cjs", logLevel: "warning" };

await build({
  ...oldNode,
  entryPoints: [join(root, "dist", "agent", "main.js")],
  outfile: join(root, "dist", "lab-agent.cjs"),
  sourcemap: true,
  define: { "import.meta.url": "labAgentUrl" },
  // ssh2 does without native parts it cannot load, and an old node has none (decision 0001).
  external: ["cpu-features", "*.node"],
  banner: { js: 'const labAgentUrl = require("node:url").pathToFileURL(__filename).href;' },
});

const tools = join(root, "dist", "agent", "sim", "tools");
await build({
  ...oldNode,
  entryPoints: [join(tools, "main.js")],
  outfile: join(tools, "main.cjs"),
  define: { "import.meta.url": "labToolsUrl" },
  banner: { js: 'const labToolsUrl = require("node:url").pathToFileURL(__filename).href;' },
});

const proxy = join(root, "dist", "hexo-proxy.cjs");
await build({
  ...oldNode,
  entryPoints: [join(root, "dist", "agent", "sim", "hexo", "proxy-program.js")],
  outfile: proxy,
  // It is executed by its path, under whatever name it was copied to.
  banner: { js: "#!/usr/bin/env node" },
});
chmodSync(proxy, 0o755);

/** What was compiled from a source that is gone: a test deleted must not go on passing. */
function removeStale() {
  if (!existsSync(join(root, "dist"))) return;
  for (const name of readdirSync(join(root, "dist"), { recursive: true })) {
    const [, source] = /^(.*)\.(?:js|d\.ts)(?:\.map)?$/.exec(name) ?? [];
    if (source !== undefined && !existsSync(join(root, `${source}.ts`))) rmSync(join(root, "dist", name), { force: true });
  }
}
