/** FreeIPMI's ipmipower: one process that asks all BMCs. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Farm } from "../farm/farm.js";
import { login } from "../farm/simulator-files.js";
import { runMeasured } from "../measure/command.js";
import { programPath } from "../programs.js";
import type { Workbench } from "../workbench.js";
import { actions, toolDeadlineMs, type Action, type OpenTool, type PowerTool } from "./tool.js";

export const ipmipowerName = "ipmipower";

/** With its default fan-out (none) and with the 64 at once that keep it from repeating itself. */
export const ipmipowerTools: readonly PowerTool[] = [
  { name: ipmipowerName, needs: ["ipmipower"], actions, open: (bench, farm) => open(bench, farm, []) },
  {
    name: `${ipmipowerName} --fanout=64`,
    needs: ["ipmipower"],
    actions,
    open: (bench, farm) => open(bench, farm, ["--fanout=64"]),
  },
];

/** Its command, with the login in a file as its manual advises. */
export async function ipmipowerCommand(bench: Workbench, farm: Farm): Promise<readonly string[]> {
  const file = join(await bench.newDirectory("ipmipower"), "freeipmi.conf");
  const settings = [
    "driver-type LAN_2_0",
    `username ${login.user}`,
    `password ${login.password}`,
    "cipher-suite-id 3",
    "workaround-flags opensesspriv",
  ];
  await writeFile(file, `${settings.join("\n")}\n`, { mode: 0o600 });
  return [programPath("ipmipower"), `--config-file=${file}`, "-h", farm.bmcs.map(({ address }) => address).join(",")];
}

async function open(bench: Workbench, farm: Farm, options: readonly string[]): Promise<OpenTool> {
  const command = await ipmipowerCommand(bench, farm);
  return {
    async perform(action: Action) {
      const {
        output,
        errors,
        exitCode: _,
        ...cost
      } = await runMeasured(bench, [...command, ...options, `--${action}`], { deadlineMs: toolDeadlineMs });
      const lines = output.split("\n").filter((line) => line !== "");
      const done = lines.filter((line) => /: (ok|on|off)$/.test(line));
      return {
        ...cost,
        rounds: 1,
        succeeded: done.length,
        complaints: [...lines, errors].filter((line) => line !== "" && !done.includes(line)),
      };
    },
    close: async () => undefined,
  };
}
