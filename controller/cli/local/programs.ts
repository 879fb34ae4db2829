/** The programs of labd as they lie in dist/ beside this one (dist/controller/cli/local/programs.js). */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const dist = join(dirname(fileURLToPath(import.meta.url)), "../../..");

export const programs = {
  controller: join(dist, "controller/main.js"),
  agent: join(dist, "agent/main.js"),
  simulator: join(dist, "agent/sim/main.js"),
  cli: join(dist, "controller/cli/main.js"),
  /** One file, for old nodes; simulated nodes run it too. */
  agentBundle: join(dist, "lab-agent.cjs"),
} as const;
