/** conmand over FreeIPMI's libipmiconsole. */
import { createInterface } from "node:readline";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../condition.js";
import { login } from "../farm/simulator-files.js";
import type { Farm } from "../farm/farm.js";
import { freeTcpPort } from "../free-port.js";
import { programPath } from "../programs.js";
import { pidOf, type Workbench } from "../workbench.js";
import { addChecks, checkLines, noLines } from "./console-lines.js";
import { connectWithinMs, type ConsoleDaemon, type RunningDaemon } from "./daemon.js";

/** ipmi_sim claims odd SOL sizes, tells no privilege at Open Session, and dies of the channel question that 0x08000000 leaves out. */
const ipmiOptions = `U:${login.user},P:${login.password},C:3,L:admin,W:opensesspriv,W:solpayloadsize,W:0x08000000`;

const remark = /^<ConMan> /;

export const conmanName = "conmand";

export const conman: ConsoleDaemon = { name: conmanName, needs: ["conmand"], start };

async function start(bench: Workbench, farm: Farm): Promise<RunningDaemon> {
  const directory = await bench.newDirectory("conman");
  const file = join(directory, "conman.conf");
  const logs = farm.bmcs.map(({ node }) => join(directory, `${node}.log`));
  const settings = [
    "server loopback=on",
    `server port=${await freeTcpPort()}`,
    `server pidfile="${join(directory, "pid")}"`,
    `global log="${join(directory, "%N.log")}"`,
    'global logopts="nolock,nosanitize,notimestamp"',
    `global ipmiopts="${ipmiOptions}"`,
    ...farm.bmcs.map(({ node, address }) => `console name="${node}" dev="ipmi:${address}"`),
  ];
  await writeFile(file, `${settings.join("\n")}\n`, { mode: 0o600 });
  const began = performance.now();
  const daemon = await bench.start([programPath("conmand"), "-F", "-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  if (daemon.stderr === null) throw new Error("conmand has no output");
  const connected = new Set<string>();
  createInterface({ input: daemon.stderr }).on("line", (line) => {
    const node = /Console \[(\w+)\] connected to/.exec(line)?.[1];
    if (node !== undefined) connected.add(node);
  });
  const allConnected = () => connected.size === farm.bmcs.length;
  await until("conmand to connect every console", allConnected, { signal: bench.signal, withinMs: connectWithinMs, everyMs: 10 });
  return {
    pid: pidOf(daemon),
    connectMs: performance.now() - began,
    async logged() {
      const sizes = await Promise.all(logs.map(async (log) => (await stat(log)).size));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    async check(round, lines) {
      let all = noLines;
      for (const [console, log] of logs.entries()) {
        all = addChecks(all, checkLines(await readFile(log, "latin1"), { console, round, lines, remark }));
      }
      return { lines: all, losses: [] };
    },
    close: () => bench.stop(daemon, "SIGTERM"),
  };
}
