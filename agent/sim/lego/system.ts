/** LegoOS's machines: source tree, build, storage host, kernels. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { SimulatedSystem } from "../system.js";
import { installKernel, installKernelPath } from "../tools/install-kernel.js";
import { make } from "../tools/make.js";
import { legoosKernel } from "./lego-kernel.js";
import { legoModules } from "./linux-modules.js";
import { defaultTreePath, seedLegoTree, seedStorageHost } from "./tree.js";

export const lego: SimulatedSystem = {
  tools: { make, installkernel: installKernel },
  toolPaths: { installkernel: installKernelPath },
  kinds: [legoosKernel],
  handlers: legoModules(),
  async furnish(rootDirectory, { parameters }) {
    if (existsSync(join(rootDirectory, defaultTreePath))) return;
    await seedStorageHost(rootDirectory, parameters.linux);
    await seedLegoTree(rootDirectory);
  },
};
