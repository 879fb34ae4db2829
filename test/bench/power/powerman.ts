/** powerman: its daemon keeps one ipmipower for the whole range, as its manual shows. Both count, and the client of each command. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ChildProcess } from "node:child_process";
import { expandName, parseNodeset } from "../../../inventory/nodeset.js";
import { until } from "../condition.js";
import type { Farm } from "../farm/farm.js";
import { freeTcpPort } from "../free-port.js";
import { runMeasured, type Completed } from "../measure/command.js";
import { PeakMemory, treeCpuMs } from "../measure/processes.js";
import { programPath } from "../programs.js";
import { pidOf, type Workbench } from "../workbench.js";
import { ipmipowerCommand } from "./ipmipower.js";
import { actions, toolDeadlineMs, type Action, type OpenTool, type PowerTool } from "./tool.js";

const deviceFile = "/etc/powerman/ipmipower.dev";

export const powermanTool: PowerTool = { name: "powerman", needs: ["powermand", "powerman", "ipmipower"], actions, open };

async function open(bench: Workbench, farm: Farm): Promise<OpenTool> {
  if (!existsSync(deviceFile)) throw new Error(`powerman has no ${deviceFile}: apt-get install powerman`);
  const port = await freeTcpPort();
  const file = join(await bench.newDirectory("powerman"), "powerman.conf");
  const coprocess = [...(await ipmipowerCommand(bench, farm)), "--wait-until-on", "--wait-until-off"].join(" ");
  const settings = [
    `include "${deviceFile}"`,
    `listen "127.0.0.1:${port}"`,
    `device "ipmi" "ipmipower" "${coprocess} |&"`,
    ...farm.bmcs.map(({ node, address }) => `node "${node}" "ipmi" "${address}"`),
  ];
  await writeFile(file, `${settings.join("\n")}\n`);
  const daemon = await bench.start([programPath("powermand"), "-f", "-c", file], { stdio: ["ignore", "ignore", "ignore"] });
  const powerman = [programPath("powerman"), "-h", `127.0.0.1:${port}`];
  const nodes = farm.bmcs.map(({ node }) => node).join(",");
  const run = (...options: string[]) => runMeasured(bench, [...powerman, ...options], { deadlineMs: toolDeadlineMs });
  // Its ipmipower looks for the BMCs first.
  const ready = async () => answeredBy(await run("-q")) === farm.bmcs.length;
  await until("powerman to know every BMC", ready, { signal: bench.signal, everyMs: 200 });
  const option = { stat: ["-q"], off: ["-0", nodes], on: ["-1", nodes], cycle: ["-c", nodes] };
  return {
    perform: (action) => measured(daemon, farm.bmcs.length, action, () => run(...option[action])),
    close: () => bench.stop(daemon, "SIGTERM"),
  };
}

async function measured(daemon: ChildProcess, count: number, action: Action, run: () => Promise<Completed>) {
  const before = await treeCpuMs(pidOf(daemon));
  const memory = new PeakMemory(pidOf(daemon));
  const completed = await run();
  const peakBytes = await memory.end();
  const { output, errors, wallMs } = completed;
  const cpuMs = completed.cpuMs + (await treeCpuMs(pidOf(daemon))) - before;
  const done = action === "stat" ? answeredBy(completed) : output.includes("completed successfully") ? count : 0;
  const complaints = done === count ? [] : [output, errors].filter((text) => text !== "");
  return { wallMs, cpuMs, peakBytes, rounds: 1, succeeded: done, complaints };
}

/** How many nodes it names as on or off. */
function answeredBy({ output }: Completed): number {
  const sets = [...output.matchAll(/^(?:on|off): +(\S+)$/gm)].map(([, nodes = ""]) => nodes);
  return sets.flatMap(parseNodeset).flatMap(({ text }) => expandName(text)).length;
}
