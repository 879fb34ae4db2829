/** The files of a fresh clone: launchers where upstream has scripts, and what the scripts look for. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { installLauncher } from "../tools/launcher.js";

/** Scripts by their path in the tree; the stand-in tool of each is named in system.ts by its file name. */
const scripts = {
  sosp25: (
    "scripts/env_setup.sh scripts/build_kernel.sh scripts/build_runtime.sh scripts/makesysroot.sh tools/build_all.sh apps/build_all.sh " +
    "experiments/redis/runvanilla.sh experiments/redis/runbuiltin.sh experiments/redis/runphx.sh experiments/redis/runcriu.sh " +
    "experiments/redis/report.sh"
  ).split(" "),
  // The older branch lacks the CRIU, report and phx scripts (facts: Phoenix, Basis).
  master: "scripts/env_setup.sh scripts/build_kernel.sh experiments/redis/runvanilla.sh experiments/redis/runbuiltin.sh".split(" "),
};

const modulefiles = ["criu", "polygraph", "ycsb", "redis/orig-72", "redis/orig-7445", "redis/phx-72", "redis/phx-7445"];

const files: Readonly<Record<string, string>> = {
  ".gitmodules": ["kernel", "compiler", "userlib", "glibc"]
    .map((name) => `[submodule "${name}"]\n\tpath = ${name}\n\turl = https://github.com/OrderLab/phoenix-${name}.git\n`)
    .join(""),
  "experiments/redis/nosave.conf": 'save ""\n',
  "experiments/redis/nosave-7445.conf": 'save ""\n',
  "experiments/redis/param": "recordcount=2000000\nmaxexecutiontime=500\n",
  "experiments/redis/param_vanilla": "recordcount=2000000\nmaxexecutiontime=1800\n",
  ...Object.fromEntries(["761", "7445", "10070", "12290"].map((issue) => [`experiments/redis/trigger-${issue}.sh`, "#!/bin/bash\n"])),
  ...Object.fromEntries(modulefiles.map((name) => [`modulefiles/${name}`, "#%Module1.0\n"])),
};

/** Lays the tree at `path` as the machine sees it, below its root directory. */
export function layTree(rootDirectory: string, path: string, branch: "sosp25" | "master"): void {
  for (const [name, contents] of Object.entries(files)) {
    const host = join(rootDirectory, path, name);
    mkdirSync(dirname(host), { recursive: true });
    writeFileSync(host, contents);
  }
  for (const name of scripts[branch]) installLauncher(rootDirectory, `${path}/${name}`, "phoenix", name.split("/").at(-1) ?? "");
}
