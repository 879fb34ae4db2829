/** On request only: the new kernel is what the node boots by itself (facts: Phoenix §3 step 8). */
import type { Step } from "../../../deploy/recipe.js";
import { judgeDefault } from "../boot-menu.js";
import { type Design, minutes, phoenixRelease, seconds, textFrom } from "../design.js";
import { pinActs } from "./kernel.js";

export function defaultKernelSteps({ node, ids, parameters }: Design): Step[] {
  if (!parameters.defaultKernel) return [];
  return [
    {
      id: ids.defaultKernel,
      phase: "default",
      node: node.name,
      title: `${phoenixRelease} as the default of the boot menu`,
      needs: [ids.report],
      repeat: "repeatable",
      actsWithinMs: 5 * minutes,
      acts: ({ outputs }) => pinActs(textFrom(outputs, ids.install, "newEntry")),
      evidence: [
        {
          kind: "boot-menu",
          claim: `every boot is of ${phoenixRelease}, as asked for`,
          withinMs: 15 * seconds,
          judge: (menu, { outputs }) => judgeDefault(menu, { entry: textFrom(outputs, ids.install, "newEntry"), release: phoenixRelease }),
        },
      ],
    },
  ];
}
