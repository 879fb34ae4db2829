/**
 * A wrong recipe fails on simulated machines as it would on iron (facts: LegoOS §5, §6, §7, §11), and the run says where and why.
 * Most mistakes are made twice: before the recipe reads back what it has done, and after, when only the machines can tell.
 */
import t, { type Test } from "tap";
import type { Evidence, Failure } from "../../controller/deploy/entries.js";
import type { Act, FailureLine } from "../../controller/deploy/recipe.js";
import { lego } from "../../controller/recipes/lego/lego.js";
import {
  type Alteration,
  alteredLego,
  altering,
  firstDoing,
  impatient,
  replacing,
  thenDoing,
  unjudged,
} from "../support/wrong-recipe/altered-recipe.js";
import { LegoLab } from "../support/wrong-recipe/lego-lab.js";

const lab = await LegoLab.start(t);

interface WrongRecipe {
  readonly says: string;
  /** Default: 1P-1M. */
  readonly deployment?: "pair" | "triple";
  readonly alterations: readonly Alteration[];
  readonly failureLines?: readonly FailureLine[];
  /** The step that fails, or one of those that may: which, depends on which runs when the line comes. The node in its id is to blame. */
  readonly step: string | readonly [string, ...string[]];
  readonly summary: RegExp;
  readonly cause?: RegExp;
  /** The last line the failure shows. */
  readonly shows?: RegExp;
}

function fails({
  says,
  deployment = "pair",
  alterations,
  failureLines = lego.failureLines,
  step,
  summary,
  cause,
  shows,
}: WrongRecipe): void {
  t.test(says, async (t) => {
    const { status, failure } = await lab.deploy(deployment, alteredLego(alterations, { failureLines }));
    t.equal(status, "failed");
    if (failure === undefined) return;
    const steps = typeof step === "string" ? [step] : step;
    t.ok(steps.includes(failure.step), `${failure.step} is one of ${steps.join(", ")}`);
    t.match(failure, { node: steps[0]?.split("/")[1] ?? "", summary, cause: cause ?? "", blame: "system" });
    if (shows !== undefined) t.match(failure.evidence.flatMap(linesOf).at(-1), shows);
    checkAdvice(t, failure, deployment);
    t.same(await lab.lab.leases.list(), [], "the nodes are free again");
  });
}

function linesOf({ source }: Evidence): readonly string[] {
  return source.kind === "console" ? [source.line] : source.kind === "command" ? source.lines : [];
}

function checkAdvice(t: Test, { next, evidence, node }: Failure, deployment: string): void {
  const console = evidence.some(({ source }) => source.kind === "console") ? [`lab tail ${node} --boot -1`] : [];
  t.same(next.slice(0, -1), [...console, `lab undeploy ${deployment}`, `lab deploy ${deployment}`]);
  t.match(next.at(-1), /^lab record \d{8}-\d{4}-\w+$/);
}

const tree = "/root/LegoOS";
const config = `${tree}/.config`;
const nodeTable = `${tree}/net/lego/fit_machine.c`;
const bootMenu = "/boot/grub2/custom.cfg";
const without = (path: string): Act => ({ kind: "remove-file", path: `${tree}/${path}` });
const make = (...targets: string[]): Act => ({ kind: "command", argv: ["make", ...targets], cwd: tree, timeoutMs: 10_000 });

for (const deployment of ["pair", "triple"] as const) {
  t.test(`the recipe as it is brings up the ${deployment}`, async (t) => {
    t.match(await lab.deploy(deployment, lego), { status: "succeeded", failure: undefined });
    t.same(await lab.lab.leases.list(), []);
  });
}

const noMemmap = replacing(bootMenu, " memmap=2G\\$4G", "");
fails({
  says: "no memmap: caught in the boot menu",
  alterations: [thenDoing("install/p0/entry", noMemmap)],
  step: "install/p0/entry",
  summary: /entry labd-lego-processor has arguments "", planned "memmap=2G\$4G"/,
});
fails({
  says: "no memmap: the processor manager panics",
  alterations: [firstDoing("power/p0", noMemmap), unjudged("boot/p0", "command-line")],
  step: "boot/p0",
  summary: /Kernel Panic - not syncing: Processor cache not registered, memmap \$ needed!/,
  cause: /was booted without memmap=SIZE\$START: check the boot entry/,
});

const backslash = replacing(bootMenu, "memmap=2G\\$4G", "memmap=2G\\\\\\$4G");
fails({
  says: "a backslash too many in memmap: caught in the boot menu",
  alterations: [thenDoing("install/p0/entry", backslash)],
  step: "install/p0/entry",
  summary: /has arguments "memmap=2G\\\$4G", planned "memmap=2G\$4G"/,
});
fails({
  says: "a backslash too many in memmap: no memory is set aside and the processor manager panics",
  alterations: [firstDoing("power/p0", backslash), unjudged("boot/p0", "command-line")],
  step: "boot/p0",
  summary: /Kernel Panic - not syncing: Processor cache not registered, memmap \$ needed!/,
  cause: /memmap=SIZE\$START/,
});

const notLinux16 = replacing(bootMenu, "\tlinux16 ", "\tlinux ");
fails({
  says: "linux instead of linux16: caught in the boot menu",
  alterations: [thenDoing("install/p0/entry", notLinux16)],
  step: "install/p0/entry",
  summary: /entry labd-lego-processor does not use linux16/,
});
fails({
  says: "linux instead of linux16: silence after the boot loader",
  alterations: [firstDoing("power/p0", notLinux16), impatient("boot/p0", 1_000)],
  step: "boot/p0",
  summary: /p0 console: waited 1.0 s for LegoOS runs, from the image of this run.*Booting/,
  shows: /Booting/,
});
fails({
  says: "a peer that never comes up: the other node says that nobody is there",
  alterations: [firstDoing("power/m0", notLinux16)],
  // The line comes while FIT connects, which is seen before or after the step that looks on has moved on.
  step: ["connect/p0", "join/p0"],
  summary: /Fail to to get the CQE from send_cq/,
  cause: /a peer is not there: it did not start, or too late/,
});

const twoNames = replacing(nodeTable, '\t[2]\t=\t"s0",\n', "");
fails({
  says: "two names for three nodes: caught in the node table",
  deployment: "triple",
  alterations: [thenDoing("configure/p0", twoNames)],
  step: "configure/p0",
  summary: /the node table is not the one generated/,
});
fails({
  says: "two names for three nodes: the kernel panics over the empty one",
  deployment: "triple",
  alterations: [firstDoing("build/p0", twoNames)],
  step: "boot/p0",
  summary: /fit:\s+Empty hostname on node 2/,
  cause: /names fewer nodes than CONFIG_FIT_NR_NODES; the kernel panics next/,
});

const defaultId = replacing(config, "CONFIG_FIT_LOCAL_ID=1\n", "CONFIG_FIT_LOCAL_ID=0\n");
fails({
  says: "the default node id left on the memory node: caught in .config",
  alterations: [thenDoing("configure/m0", defaultId)],
  step: "configure/m0",
  summary: /CONFIG_FIT_LOCAL_ID is 0, wanted 1/,
});
fails({
  says: "the default node id left on the memory node: its kernel says so",
  alterations: [firstDoing("build/m0", defaultId)],
  step: "boot/m0",
  summary: /FIT node id is 0, planned 1/,
  shows: /FIT_LOCAL_ID: +0$/,
});
const equalIds = [firstDoing("build/m0", defaultId), unjudged("boot/m0", "local-id")];
fails({
  says: "equal node ids: the second node finds the LID of the first in its table and halts",
  alterations: equalIds,
  step: "connect/m0",
  summary: /\*{3} Current LID: 23\. Table LID: 42\./,
  cause: /two nodes have the same id/,
});
fails({
  says: "equal node ids: the first node waits for its peer without a word",
  alterations: [...equalIds, impatient("join/p0", 2_000)],
  failureLines: [],
  step: "join/p0",
  summary: /p0 console: waited 2.0 s for every peer has joined.*Please wait other nodes to join/,
  shows: /fit: Please wait other nodes to join \.\.\.$/,
});

/** Memory gets its power when processor has sent its only join message in vain. */
const latePeer = altering("power/m0", (step) => ({ ...step, needs: [...step.needs, "connect/p0"] }));
fails({
  says: "a late peer: the node that was in time says that nobody was there",
  alterations: [latePeer],
  step: "connect/p0",
  summary: /Fail to to get the CQE from send_cq/,
  cause: /a peer is not there: it did not start, or too late/,
});
for (const [node, peer] of [
  ["p0", "m0"],
  ["m0", "p0"],
] as const) {
  fails({
    says: `a late peer: ${node} waits for ${peer} for ever, and the deadline names the line it stopped at`,
    alterations: [latePeer, impatient(`join/${node}`, node === "p0" ? 5_000 : 1_000)],
    failureLines: [],
    step: `join/${node}`,
    summary: /waited [\d.]+ s for every peer has joined.*Please wait other nodes to join/,
    shows: /fit: Please wait other nodes to join \.\.\.$/,
  });
}

const unseen = altering("modules/s0/fit", (step) => ({ ...step, evidence: [] }));
fails({
  says: "storage.ko without fit.ko is refused",
  deployment: "triple",
  alterations: [unseen, altering("modules/s0/fit", (step) => ({ ...step, acts: () => [] }))],
  step: "modules/s0/storage",
  summary: /"insmod storage.ko" did not do its work: fit\.ko is not loaded/,
  shows: /could not insert module storage\.ko: Unknown symbol in module/,
});
const staleModule = firstDoing("build/s0", replacing(`${tree}/linux-modules/fit/fit_machine.c`, ".lid =\t8,", ".lid =\t99,"));
fails({
  says: "fit.ko with a stale node table: insmod is content, dmesg tells",
  deployment: "triple",
  alterations: [staleModule],
  step: "modules/s0/fit",
  summary: /FIT is connected on the storage node: the node table built into the module has another LID for this node/,
  shows: /fail to init_interface/,
});
fails({
  says: "storage.ko with a FIT that is not connected is refused",
  deployment: "triple",
  alterations: [staleModule, unseen],
  step: "modules/s0/storage",
  summary: /"insmod storage.ko" did not do its work: LegoOS FIT module is not ready/,
  shows: /could not insert module storage\.ko: Input\/output error/,
});

const ramfs = replacing(config, "# CONFIG_USE_RAMFS is not set", "CONFIG_USE_RAMFS=y");
fails({
  says: "RAMFS left on with three nodes: caught in .config",
  deployment: "triple",
  alterations: [thenDoing("configure/m0", ramfs)],
  step: "configure/m0",
  summary: /CONFIG_USE_RAMFS is y, wanted n/,
});
fails({
  says: "RAMFS left on with three nodes: there is nothing to put into it",
  deployment: "triple",
  alterations: [firstDoing("build/m0", ramfs, make("olddefconfig"), ...["managers/memory/ramfs/piggy.o", "usr/general.o"].map(without))],
  step: "build/m0",
  summary: /make failed: exit code 2/,
  shows: /make: \*{3} \[managers\/memory\/ramfs\] Error 2/,
});
fails({
  says: "RAMFS left on with three nodes: another program runs than the one on storage",
  deployment: "triple",
  alterations: [firstDoing("build/m0", ramfs, make("olddefconfig"), make("-C", "usr")), impatient("prove/p0", 2_000)],
  step: "prove/p0",
  summary: /waited 2.0 s for the user program of this run printed its nonce/,
});

const processorsConfig = [
  replacing(config, "CONFIG_COMP_MEMORY=y", "# CONFIG_COMP_MEMORY is not set"),
  replacing(config, "# CONFIG_COMP_PROCESSOR is not set", "CONFIG_COMP_PROCESSOR=y"),
];
const otherBuild = [...processorsConfig, make("olddefconfig"), make(), make("install")];
fails({
  says: "both managers built in one tree under one name: caught in /boot",
  alterations: [thenDoing("install/m0/image", ...otherBuild)],
  step: "install/m0/image",
  summary: /no file in \/boot is the image just built/,
});
fails({
  says: "both managers built in one tree under one name: a processor manager runs on the memory node",
  alterations: [firstDoing("power/m0", ...otherBuild)],
  step: "boot/m0",
  summary: /Kernel Panic - not syncing: Processor cache not registered, memmap \$ needed!/,
  cause: /processor manager/,
});

/** As if the subnet manager had been started anew since the recipe looked. */
const staleLid = altering("check/m0", (step) => ({
  ...step,
  evidence: step.evidence.map((each) =>
    each.kind === "command" && each.claim.includes("LID") ? { ...each, judge: () => ({ ok: true as const, outputs: { lid: 99 } }) } : each,
  ),
}));
fails({
  says: "a LID that has changed since the table was made: the node halts",
  alterations: [staleLid, unjudged("connect/m0", "lid")],
  step: "connect/m0",
  summary: /\*{3} Current LID: 23\. Table LID: 99\./,
  cause: /the node's LID has changed since the image was built/,
});

const otherLine = [
  replacing(config, "CONFIG_TTY_SERIAL_TTYS1=y", "# CONFIG_TTY_SERIAL_TTYS1 is not set"),
  replacing(config, "# CONFIG_TTY_SERIAL_TTYS0 is not set", "CONFIG_TTY_SERIAL_TTYS0=y"),
];
fails({
  says: "the wrong serial line compiled in: caught in .config",
  alterations: [thenDoing("configure/m0", ...otherLine)],
  step: "configure/m0",
  summary: /CONFIG_TTY_SERIAL_TTYS0 is y, wanted n; CONFIG_TTY_SERIAL_TTYS1 is n, wanted y/,
});
fails({
  says: "the wrong serial line compiled in: silence after the boot loader",
  alterations: [firstDoing("build/m0", ...otherLine), impatient("boot/m0", 1_000)],
  step: "boot/m0",
  summary: /m0 console: waited 1.0 s for LegoOS runs, from the image of this run.*Booting/,
  shows: /Booting/,
});

const noProgram: Act = { kind: "remove-file", path: "/bin/echo" };
fails({
  says: "the program is not on the storage node while it runs",
  deployment: "triple",
  alterations: [firstDoing("modules/s0/fit", noProgram), impatient("prove/p0", 2_000)],
  step: "prove/p0",
  summary: /waited 2.0 s for the user program of this run printed its nonce.*Fail to execve \/bin\/echo/,
  shows: /Fail to execve \/bin\/echo/,
});
fails({
  says: "the program is not on the storage node: caught before anything is changed",
  deployment: "triple",
  alterations: [],
  step: "check/s0",
  summary: /\/bin\/echo is not there/,
});
