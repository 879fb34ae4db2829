/** ipmitool, one process a BMC, so many at once. */
import type { Farm } from "../farm/farm.js";
import { login } from "../farm/simulator-files.js";
import { runMeasured } from "../measure/command.js";
import { programPath } from "../programs.js";
import type { Workbench } from "../workbench.js";
import { actions, toolDeadlineMs, type Action, type OpenTool, type PowerTool } from "./tool.js";

export const ipmitoolTools: readonly PowerTool[] = [16, 64].map((atOnce) => ({
  name: `xargs -P${atOnce} ipmitool`,
  needs: ["ipmitool", "xargs"],
  actions,
  open: async (bench: Workbench, farm: Farm) => openIpmitool(bench, farm, atOnce),
}));

/** The suite is given because without it ipmitool asks for the suites first, which ipmi_sim answers only after seconds. */
function openIpmitool(bench: Workbench, farm: Farm, atOnce: number): OpenTool {
  const ipmitool = [programPath("ipmitool"), "-I", "lanplus", "-C", "3", "-U", login.user, "-E", "-p", String(farm.port), "-H", "{}"];
  const input = farm.bmcs.map(({ address }) => `${address}\n`).join("");
  return {
    async perform(action: Action) {
      const argv = [programPath("xargs"), `-P${atOnce}`, "-I{}", ...ipmitool, "chassis", "power", action === "stat" ? "status" : action];
      const {
        output,
        errors,
        exitCode: _,
        ...cost
      } = await runMeasured(bench, argv, {
        input,
        deadlineMs: toolDeadlineMs,
        env: { IPMI_PASSWORD: login.password },
      });
      const succeeded = output.split("\n").filter((line) => line.startsWith("Chassis Power")).length;
      return { ...cost, rounds: 1, succeeded, complaints: errors.split("\n").filter((line) => line !== "") };
    },
    close: async () => undefined,
  };
}
