/** Every stand-in tool, by the name it is called by. */
import { installKernel } from "./install-kernel.js";
import { kernelTools } from "./kernel-tools.js";
import { make } from "./make.js";
import { smallTools } from "./small-tools.js";
import type { Tool } from "./tool.js";

export const tools: Readonly<Record<string, Tool>> = { make, installkernel: installKernel, ...kernelTools, ...smallTools };
