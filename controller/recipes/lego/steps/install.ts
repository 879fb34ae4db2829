/** The image in /boot under a name of its own, and a boot entry that is taken once (facts: LegoOS §5, §9 step 4). */
import type { Known, Step } from "../../../deploy/recipe.js";
import { judgeArmed } from "../boot-menu.js";
import type { Manager } from "../cluster.js";
import { bootEntryId, type Design, minutes, seconds, stepIds, textFrom } from "../design.js";
import { judgeInstalledImage } from "../node-tools.js";

/** Base version of every LegoOS release; "+" is appended when the tree is a git checkout. */
const version = "4.0.0";

export function installSteps(design: Design): Step[] {
  const { managers } = design.cluster;
  return [...managers.map((manager) => installImage(manager, design)), ...managers.map((manager) => armBoot(manager, design))];
}

function installImage(manager: Manager, { parameters }: Design): Step {
  const release = `${version}${manager.localVersion}`;
  return {
    id: stepIds.image(manager),
    phase: "install",
    node: manager.node.name,
    title: `image as /boot/vmlinuz-${release}`,
    needs: [stepIds.build(manager)],
    repeat: "verify",
    acts: () => [{ kind: "command", argv: ["make", "install"], cwd: parameters.source, timeoutMs: 5 * minutes }],
    evidence: [
      {
        kind: "command",
        argv: () => ["sha256sum", `vmlinuz-${release}`, `vmlinuz-${release}+`],
        cwd: "/boot",
        claim: "the file in /boot is the image just built",
        withinMs: 30 * seconds,
        judge: (result, known) => judgeInstalledImage(result, textFrom(known.outputs, stepIds.build(manager), "sha256")),
      },
    ],
  };
}

/** Armed only when every image is in place: a node must not boot LegoOS because another one's build has failed. */
function armBoot(manager: Manager, { cluster, parameters }: Design): Step {
  const id = bootEntryId(manager.role);
  const kernelArguments = manager.role === "processor" ? `memmap=${parameters.memmap}` : "";
  const kernel = ({ outputs }: Known) =>
    `${textFrom(outputs, stepIds.check(manager), "kernelDirectory")}vmlinuz-${textFrom(outputs, stepIds.image(manager), "release")}`;
  return {
    id: stepIds.entry(manager),
    phase: "install",
    node: manager.node.name,
    title: `boot entry ${id}${kernelArguments === "" ? "" : ` with ${kernelArguments}`}, for the next boot only`,
    needs: [...cluster.managers.map(stepIds.image), ...(cluster.storage === undefined ? [] : [stepIds.build(cluster.storage)])],
    repeat: "verify",
    actsWithinMs: 2 * minutes,
    acts: (known) => [
      {
        kind: "put-boot-entry",
        entry: {
          id,
          title: `LegoOS ${manager.role} manager (labd)`,
          kernel: kernel(known),
          initrd: "",
          arguments: kernelArguments,
          linux16: true,
        },
      },
      { kind: "boot-once", id },
    ],
    evidence: [
      {
        kind: "boot-menu",
        claim: "the next boot is LegoOS, every later one Linux",
        withinMs: 15 * seconds,
        judge: (menu, known) =>
          judgeArmed(menu, {
            id,
            kernel: kernel(known),
            arguments: kernelArguments,
            defaultKernel: textFrom(known.outputs, stepIds.check(manager), "defaultKernel"),
          }),
      },
    ],
  };
}
