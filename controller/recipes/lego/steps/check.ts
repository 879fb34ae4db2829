/** Preconditions, read and proven before anything is changed (facts: LegoOS §9, preconditions; §10 for the storage node). */
import type { FactsSeen, FileSeen, Requirement, Step, Verdict } from "../../../deploy/recipe.js";
import { judgeDefaultIsLinux } from "../boot-menu.js";
import type { Member } from "../cluster.js";
import { type Design, seconds, stepIds } from "../design.js";
import { judgeHca, judgePort, judgePresent, judgeSubnetManager } from "../node-tools.js";
import { programArguments } from "../program.js";
import { wiringStep } from "../../wiring.js";

const mebibyte = 2 ** 20;

export function checkSteps(design: Design): Step[] {
  return design.cluster.members.flatMap((member) =>
    [checkStep(member, design), wiringStep(member.node, [stepIds.check(member)]) ?? []].flat(),
  );
}

/** Looks only: a node that is off or unfit is told at once, before anything is written to it. */
function checkStep(member: Member, design: Design): Step {
  return {
    id: stepIds.check(member),
    phase: "check",
    node: member.node.name,
    title: member.role === "storage" ? storageTitle(design) : "agent, power, Linux, memory, HCA, source, tools",
    needs: [],
    repeat: "repeatable",
    evidence: [
      ...(member.node.hasPower ? [powerAnswers] : []),
      {
        kind: "facts",
        claim: "the node is fit for its role",
        withinMs: 30 * seconds,
        judge: (facts) => judgeFacts(facts, member, design),
      },
      ...(member.role === "storage" ? storageRequirements(design) : [legacyFirmware, defaultIsLinux, sourceTree(design)]),
      ...toolRequirements,
    ],
  };
}

function storageTitle({ parameters }: Design): string {
  return `agent, Linux ${parameters.storageKernel} and its headers, HCA, source, tools, files of the program`;
}

const powerAnswers: Requirement = { kind: "power", state: "on", claim: "power control answers and the node is on", withinMs: 15 * seconds };

function judgeFacts(facts: FactsSeen, member: Member, design: Design): Verdict {
  const wrong = member.role === "storage" ? storageFaults(facts, design) : managerFaults(facts, member, design);
  if (facts.kernel !== "Linux") wrong.unshift(`${facts.kernel} runs, not Linux`);
  if (facts.arch !== "x86_64") wrong.unshift(`it is ${facts.arch}; LegoOS runs on x86_64 only`);
  if (wrong.length > 0) return { ok: false, final: true, reason: wrong.join("; ") };
  const { kernelRelease, bootId, cpuCount } = facts;
  return { ok: true, lines: [`Linux ${kernelRelease}, ${cpuCount} CPUs, boot ${bootId}`], outputs: { kernelRelease, bootId, cpuCount } };
}

function managerFaults(facts: FactsSeen, member: Member, { memmap, parameters }: Design): string[] {
  const wrong: string[] = [];
  if (/\bAMD\b/.test(facts.cpuModel)) wrong.push(`its CPU is ${facts.cpuModel}; LegoOS needs an Intel one`);
  if (facts.cpuCount < 4) wrong.push(`${facts.cpuCount} CPUs; LegoOS pins threads to CPUs and needs 4`);
  // Linux counts less than is installed and some of that lies above 4G: this errs on the safe side.
  if (member.role === "processor" && facts.memoryBytes < memmap.startBytes + memmap.sizeBytes)
    wrong.push(`${inMebibytes(facts.memoryBytes)} of memory do not reach beyond the end of memmap=${parameters.memmap}`);
  const boot = facts.disks
    .filter((disk) => "/boot/".startsWith(disk.mount === "/" ? "/" : `${disk.mount}/`))
    .sort((a, b) => b.mount.length - a.mount.length)[0];
  if (boot !== undefined && boot.freeBytes < 20 * mebibyte)
    wrong.push(`${inMebibytes(boot.freeBytes)} free in /boot, an image needs 20 MiB`);
  return wrong;
}

function storageFaults(facts: FactsSeen, { parameters }: Design): string[] {
  const wrong: string[] = [];
  if (facts.kernelRelease !== parameters.storageKernel)
    wrong.push(`Linux ${facts.kernelRelease} runs; the storage modules are for exactly ${parameters.storageKernel}`);
  const loaded = facts.modules.filter((name) => name === "fit" || name === "storage");
  if (loaded.length > 0)
    wrong.push(`modules ${loaded.join(", ")} are loaded already and cannot be unloaded; reboot the node (lab undeploy)`);
  return wrong;
}

/** Linux shows this directory exactly when EFI has started it. */
const legacyFirmware: Requirement = {
  kind: "file",
  path: () => "/sys/firmware/efi",
  claim: "the node boots by a legacy BIOS",
  withinMs: 10 * seconds,
  judge: (file) =>
    file === undefined
      ? { ok: true, lines: ["no /sys/firmware/efi"] }
      : {
          ok: false,
          final: true,
          reason: "EFI has booted it; LegoOS has no EFI stub and linux16 needs a BIOS: set the firmware to legacy boot",
        },
};

const defaultIsLinux: Requirement = {
  kind: "boot-menu",
  claim: "a power cycle leads back to Linux",
  withinMs: 15 * seconds,
  judge: judgeDefaultIsLinux,
};

function sourceTree({ parameters }: Design): Requirement {
  return fileThere(`${parameters.source}/Makefile`, "the LegoOS source tree is there");
}

function storageRequirements({ parameters }: Design): Requirement[] {
  const files = parameters.files ?? programArguments(parameters).filter((argument) => argument.startsWith("/"));
  return [
    fileThere(`${parameters.source}/linux-modules/Makefile`, "the source of the storage modules is there"),
    fileThere(`/lib/modules/${parameters.storageKernel}/build`, `the headers of Linux ${parameters.storageKernel} are there`),
    ...files.map((path) => fileThere(path, `${path} is on the storage node`)),
  ];
}

function fileThere(path: string, claim: string): Requirement {
  const judge = (file: FileSeen | undefined): Verdict =>
    file === undefined ? { ok: false, final: true, reason: `${path} is not there` } : { ok: true, lines: [`${path}: ${file.kind}`] };
  return { kind: "file", path: () => path, claim, withinMs: 10 * seconds, judge };
}

const toolRequirements: readonly Requirement[] = [
  { kind: "command", argv: () => ["lspci", "-nn"], claim: "a ConnectX-3 is in the node", withinMs: 15 * seconds, judge: judgeHca },
  {
    kind: "command",
    argv: () => ["ibstat"],
    claim: "its InfiniBand port is active and has a LID",
    withinMs: 30 * seconds,
    judge: (result) => judgePort(result),
  },
  { kind: "command", argv: () => ["sminfo"], claim: "a subnet manager answers", withinMs: 30 * seconds, judge: judgeSubnetManager },
  { kind: "command", argv: () => ["make", "--version"], claim: "make is there", withinMs: 15 * seconds, judge: judgePresent },
  { kind: "command", argv: () => ["gcc", "--version"], claim: "a compiler is there", withinMs: 15 * seconds, judge: judgePresent },
];

function inMebibytes(bytes: number): string {
  return `${Math.floor(bytes / mebibyte)} MiB`;
}
