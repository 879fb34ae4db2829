/** What the other scripts share: where things are, and running a program without swallowing its verdict. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const toolBin = join(root, "tools", "node_modules", ".bin");

/** Runs a program in the project's root with output shown; returns its exit code, 128 when a signal ended it. */
export function run(command, args, options = {}) {
  const { env, ...rest } = options;
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env }, ...rest });
  if (result.error) throw result.error;
  return result.status ?? 128;
}

/** Runs a program and leaves with its exit code when that is not 0. */
export function must(command, args, options) {
  const code = run(command, args, options);
  if (code !== 0) {
    process.stderr.write(`${command} ${args.join(" ")}: exit code ${code}\n`);
    process.exit(code);
  }
}

/** A program installed by tools/package.json (formatter, linter, generator), with its siblings on the PATH. */
export function tool(name, args) {
  // Node 16 for the old-node test lives in the same folder as "node": it must not shadow the node that runs the tools.
  const path = `${dirname(process.execPath)}${delimiter}${toolBin}${delimiter}${process.env.PATH}`;
  return run(join(toolBin, name), args, { env: { PATH: path } });
}

export function bin(name) {
  return join(root, "node_modules", ".bin", name);
}

/** Dependencies as the lockfile says; skipped when they are there already. */
export function installDependencies() {
  if (existsSync(join(root, "node_modules", ".package-lock.json"))) return;
  must("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}

/** tap with the plugins .taprc asks for; until it is built, no test file loads. */
export function prepareTap() {
  must(bin("tap"), ["build"], { stdio: "ignore" });
}

/** Formatter, linter, generator and the Node 16 of the old-node test. */
export function installTools() {
  if (existsSync(join(toolBin, "biome"))) return;
  must("npm", ["install", "--prefix", "tools", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]);
}
