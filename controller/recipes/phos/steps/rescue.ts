/** After an exercise that failed: no program of it is left, no dump holds memory; the daemon stays. */
import type { Rescue } from "../../../deploy/recipe.js";
import { isDockers, judgeUnmounted } from "../checkpoint.js";
import { type Design, inContainer, linesOf, seconds } from "../design.js";
import { look, quietly } from "../look.js";
import { mountsInside } from "./checkpoint.js";
import { endRestore } from "./sample.js";

export function rescueOf(design: Design): Rescue {
  const { dumpDirectory } = design.parameters;
  return {
    title: "end the sample, unmount dumps",
    acts: () => [
      quietly(inContainer(design, ["pkill", "-KILL", "-f", "labd_"])),
      endRestore(design),
      quietly(inContainer(design, ["pkill", "-f", "pos_cli --dump"])),
      quietly(inContainer(design, ["find", dumpDirectory, "-mindepth", "1", "-maxdepth", "1", "-type", "d", "-exec", "umount", "{}", ";"])),
    ],
    evidence: [
      look("no program of the sample is left", inContainer(design, ["pgrep", "-f", "labd_"]), (result) => {
        if (isDockers(result)) return { ok: false, reason: "the container does not answer" };
        return linesOf(result.stdout).length === 0
          ? { ok: true, lines: ["none"] }
          : { ok: false, reason: "a program of the sample still runs" };
      }),
      look("no dump is mounted", mountsInside(design), (result) => judgeUnmounted(result, dumpDirectory), 5 * seconds),
    ],
  };
}
