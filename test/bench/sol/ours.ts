/** labd's consoles beside conmand. */
import { join } from "node:path";
import type { Farm } from "../farm/farm.js";
import { nodeCommand, OrderedProcess } from "../order-channel.js";
import type { Workbench } from "../workbench.js";
import { connectWithinMs, type ConsoleDaemon, type RunningDaemon } from "./daemon.js";
import type { Order, Told } from "./ours-process.js";

export const ourName = "labd";

/** `profileDirectory`: where V8's CPU profiles of our processes go. */
export function ourDaemon(profileDirectory: string | undefined): ConsoleDaemon {
  const argv = [...nodeCommand(profileDirectory), join(import.meta.dirname, "ours-process.js")];
  return { name: ourName, needs: [], start: (bench, farm) => start(bench, farm, argv) };
}

async function start(bench: Workbench, farm: Farm, argv: readonly string[]): Promise<RunningDaemon> {
  const began = performance.now();
  const ours = await OrderedProcess.start<Order, Told>(bench, argv, connectWithinMs + 10_000);
  const bmcs = farm.bmcs.map(({ node, address }) => ({ node, address, port: farm.port }));
  await ours.order({ kind: "open", bmcs, directory: await bench.newDirectory("consoles") });
  return {
    pid: ours.pid,
    connectMs: performance.now() - began,
    logged: async () => (await ours.order({ kind: "logged" })).logged,
    async check(round, lines) {
      const { check } = await ours.order({ kind: "check", round, lines });
      if (check === undefined) throw new Error("our process has checked nothing");
      return check;
    },
    close: () => ours.close(),
  };
}
