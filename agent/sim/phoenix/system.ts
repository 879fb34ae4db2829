/** Phoenix's machine: an Ubuntu 22.04 whose kernels, packages and scripts behave as the facts sheet says, traps included. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SimulatedSystem } from "../system.js";
import { buildAll } from "./app-builds.js";
import { formatStatus } from "./dpkg-database.js";
import { aptGet, dpkg } from "./dpkg.js";
import { envSetup } from "./setup.js";
import { experiment } from "./experiment.js";
import { phoenixFaults } from "./faults.js";
import { git } from "./git.js";
import { grubEditenv, grubSetDefault, updateGrub } from "./grub-tools.js";
import { buildKernel } from "./kernel-build.js";
import { script } from "./places.js";
import { report } from "./report.js";
import { buildRuntime, makeSysroot } from "./runtime-build.js";
import { ubuntuTools } from "./ubuntu-tools.js";

const dpkgStatus = "var/lib/dpkg/status";

export const phoenix: SimulatedSystem = {
  tools: {
    ...ubuntuTools,
    git,
    dpkg,
    "apt-get": aptGet,
    "update-grub": updateGrub,
    "grub-set-default": grubSetDefault,
    "grub-editenv": grubEditenv,
    "env_setup.sh": script("scripts/env_setup.sh", envSetup),
    "build_kernel.sh": script("scripts/build_kernel.sh", buildKernel),
    "build_runtime.sh": script("scripts/build_runtime.sh", buildRuntime),
    "makesysroot.sh": script("scripts/makesysroot.sh", makeSysroot),
    "build_all.sh": buildAll,
    "runvanilla.sh": script("experiments/redis/runvanilla.sh", experiment("vanilla")),
    "runbuiltin.sh": script("experiments/redis/runbuiltin.sh", experiment("builtin")),
    "runphx.sh": script("experiments/redis/runphx.sh", experiment("phx")),
    "runcriu.sh": script("experiments/redis/runcriu.sh", experiment("criu")),
    "report.sh": script("experiments/redis/report.sh", report),
  },
  kinds: [],
  handlers: {},
  faults: phoenixFaults,
  async furnish(rootDirectory, { parameters }) {
    const file = join(rootDirectory, dpkgStatus);
    if (existsSync(file)) return;
    await mkdir(dirname(file), { recursive: true });
    const image = { name: `linux-image-${parameters.linux}`, version: "5.15.0-91.101", files: [] };
    await writeFile(file, formatStatus([image, { name: "git", version: "1:2.34.1-1ubuntu1.10", files: [] }]));
  },
};
