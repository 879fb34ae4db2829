/** The simulated machines as a process, with their agents admitted to the lab as real ones would be: by a join token on disk. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Lab } from "../../../inventory/model.js";
import { withLab, type Context } from "../context.js";
import type { LabDirectory } from "../lab-directory.js";
import { Daemon } from "./daemon.js";
import { programs } from "./programs.js";

const readyWithinMs = 30_000;

export class Simulation {
  /** Starts them powered off, except where their state says otherwise. */
  static async start(context: Context, lab: Lab, options: { speedUp: number }): Promise<Daemon> {
    const { directory } = context;
    await seedNodeAgents(context, lab);
    return Daemon.start(
      {
        name: "lab sim",
        program: programs.simulator,
        args: [
          "--inventory",
          lab.file,
          "--state",
          directory.simulation,
          "--speed-up",
          String(options.speedUp),
          "--agent",
          programs.agentBundle,
        ],
        logFile: join(directory.path, "log", "lab-sim.log"),
        ready: /ready/,
        readyWithinMs,
      },
      context.clock,
      context.signal,
    );
  }
}

function nodeRoot(directory: LabDirectory, node: string): string {
  return join(directory.simulation, node, "root");
}

/** What an operator would have put on a real node: the agent's configuration, with a token while it has no certificate. */
async function seedNodeAgents(context: Context, lab: Lab): Promise<void> {
  const { directory, signal } = context;
  await withLab(context, async (connection) => {
    for (const { name } of lab.nodes.filter((each) => each.agent)) {
      const root = nodeRoot(directory, name);
      const state = join(root, "var/lib/labd");
      const admitted = existsSync(join(state, "identity", "cert.pem"));
      const answer = admitted ? undefined : await connection.enrollment.createToken({ kind: "agent", name, ttlMs: 0n }, { signal });
      const settings = {
        name,
        node: true,
        controller: connection.address,
        root,
        state,
        ...(answer === undefined ? {} : { joinToken: answer.token }),
      };
      const file = join(root, "etc/labd/agent.json");
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
    }
  });
}
