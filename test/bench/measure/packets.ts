/** Datagrams of a farm on the loopback interface, both directions, counted by tcpdump. */
import { once } from "node:events";
import type { Farm } from "../farm/farm.js";
import { findProgram } from "../programs.js";
import type { Workbench } from "../workbench.js";
import { createInterface } from "node:readline";

export interface PacketCount {
  /** Ends counting. Undefined when tcpdump is missing, may not capture, or has missed some. */
  end(): Promise<number | undefined>;
}

/** Resolves when counting has begun. */
export async function countPackets(bench: Workbench, farm: Farm): Promise<PacketCount> {
  const tcpdump = findProgram("tcpdump");
  if (tcpdump === undefined) return { end: async () => undefined };
  const filter = `udp port ${farm.port} and net ${farm.network}.0.0/16`;
  // Headers are enough, and a large buffer holds what comes while it does not run. What is not immediate is lost when it ends.
  const argv = [tcpdump, "--immediate-mode", "-i", "lo", "-n", "-s", "64", "-B", "16384", "-w", "/dev/null", filter];
  const child = await bench.start(argv, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  if (child.stderr === null) throw new Error("tcpdump has no output");
  const lines = createInterface({ input: child.stderr });
  const said: string[] = [];
  const ready = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      said.push(line);
      if (line.includes("listening on")) resolve();
    });
    lines.once("close", resolve);
  });
  await ready;
  return {
    async end() {
      await bench.stop(child, "SIGINT");
      await exited;
      const captured = /^(\d+) packets captured/m.exec(said.join("\n"))?.[1];
      const dropped = /^(\d+) packets dropped by kernel/m.exec(said.join("\n"))?.[1];
      return captured === undefined || dropped !== "0" ? undefined : Number(captured);
    },
  };
}
