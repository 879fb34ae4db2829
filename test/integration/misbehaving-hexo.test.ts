/**
 * HEXO on machines that misbehave by themselves (facts: HEXO §1–§4): the deployment fails where it shows, and says why and what to do.
 */
import t from "tap";
import type { Tool } from "../../agent/sim/tools/tool.js";
import { type Alteration, altering } from "../support/wrong-recipe/altered-recipe.js";
import { bySignal, HexoLab } from "../support/wrong-recipe/hexo-lab.js";
import { springs, type Trap } from "../support/wrong-recipe/hexo-trap.js";

t.setTimeout(400_000);

const oldRsync: Tool = (call) => {
  call.out("rsync  version 2.6.9  protocol version 29\n");
  return 0;
};

/** Machines of its own: what they do wrong they do from the start. */
function misbehaving(trap: Trap): void {
  t.test(trap.says, async (t) => springs(t, await HexoLab.start(t, { ...trap, with: {} }), trap));
}

misbehaving({
  says: "no KVM on the server: caught before anything is built",
  x86Faults: ["kvm-absent"],
  step: "check/x0",
  summary: /the proxy may use KVM: .*load the kvm module/,
});
misbehaving({
  says: "KVM the user may not use on the board: caught before anything is built",
  boardFaults: ["kvm-denied"],
  step: "check/potato0",
  summary: /put the user into the device's group/,
});
misbehaving({
  says: "somebody's proxy on the board: it is named and left alone",
  boardFaults: ["foreign-proxy"],
  step: "check/potato0",
  summary: /a proxy runs already/,
});
misbehaving({
  says: "a board with less memory than MEM",
  boardMemory: "2G",
  with: { mem: "2G" },
  step: "check/potato0",
  summary: /of memory are free, the unikernel needs 2048 MiB: a smaller mem/,
});
misbehaving({
  says: "a login that asks for a password",
  boardFaults: ["ssh-refused"],
  step: "check/x0",
  summary: /cannot log in to the board without a password.*ssh-copy-id/,
});
misbehaving({
  says: "an rsync of before 3.0",
  tools: { rsync: oldRsync },
  step: ["check/x0", "check/potato0"],
  summary: /rsync is older than 3\.0: install a newer one/,
});
misbehaving({
  says: "no toolchain",
  x86Faults: ["no-toolchain"],
  step: "toolchain/x0",
  summary: /clang.* are not there: .*toolchain: \{ install: true \}/,
});
misbehaving({
  says: "a toolchain for one side only",
  x86Faults: ["partial-toolchain"],
  step: "toolchain/x0",
  summary: /aarch64-hermit\/lib\/libhermit\.a, .*aarch64-hermit\/bin\/proxy are not there/,
});
misbehaving({ says: "a build that fails", x86Faults: ["build-fails"], step: "build/x0", summary: /"make .*" ended with exit code 2/ });
misbehaving({
  says: "programs that are not aligned",
  x86Faults: ["misaligned"],
  step: "build/x0",
  summary: /"make check .*" ended with exit code 2/,
});
misbehaving({
  says: "a proxy that is never ready is ended",
  x86Faults: ["never-ready"],
  with: { readyWithinS: 1 },
  step: "ready/x0/0",
  summary: /waited 1\.0 s for the application is ready for a migration.*\.lock waits without a word/,
});
misbehaving({
  says: "a program that is over before MIGTEST: exit code 0 is no checkpoint",
  x86Faults: ["finish-early"],
  step: "stop/x0/1",
  summary: /ended without a checkpoint/,
});
misbehaving({
  says: "a program without migration points",
  x86Faults: ["no-migration-point"],
  step: "stop/x0/1",
  summary: /ended without a checkpoint/,
});
misbehaving({
  says: "a guest that dies: its exit code is 0",
  x86Faults: ["guest-halts"],
  step: ["ready/x0/0", "stop/x0/1"],
  summary: /guest is dead|ended without a checkpoint/,
});
misbehaving({
  says: "metadata written before the rest",
  x86Faults: ["mdata-early"],
  step: "stop/x0/1",
  summary: /mdata\.bin, which is written last, is older than/,
});
misbehaving({
  says: "a copy that is not the original",
  x86Faults: ["corrupt-transfer"],
  step: "arrived/potato0/1",
  summary: /(?:heap|stack)\.bin\S* is \w+… here and \w+… on x0: the copy is not the original/,
});
misbehaving({
  says: "a board that begins anew where it was to resume",
  boardFaults: ["restart-at-one"],
  step: "prove/potato0",
  summary: /iteration 1 again, \d+ was done: it has not resumed but begun anew/,
});
misbehaving({
  says: "a wrong result",
  boardFaults: ["verification-fails"],
  step: "prove/potato0",
  summary: /exit code 0, which says nothing, and never printed Verification/,
});
misbehaving({
  says: "a board that stops pulling pages: neither side has done its work",
  boardFaults: ["client-exits"],
  with: { mode: "post-copy" },
  step: ["ready/potato0/1", "served/x0/1", "prove/potato0"],
  summary: /has not served all its memory|cannot get pages from the source/,
});

const signalOnly = (step: string): Alteration =>
  altering(step, (of) => ({ ...of, needs: ["start/x0/0"], acts: (known) => (of.acts?.(known) ?? []).slice(-1) }));

const notBefore = altering("ready/x0/0", (of) => ({ ...of, needs: ["stop/x0/1"] }));

misbehaving({
  says: "SIGUSR1 that is sent too early kills the proxy",
  x86Faults: ["never-ready"],
  with: bySignal,
  alterations: [signalOnly("stop/x0/1"), notBefore],
  step: "stop/x0/1",
  summary: /SIGUSR1 has killed the proxy: it came before the proxy could take it/,
});
misbehaving({
  says: "SIGUSR1 is not sent to a proxy that is not ready",
  x86Faults: ["never-ready"],
  with: bySignal,
  alterations: [altering("stop/x0/1", (of) => ({ ...of, needs: ["start/x0/0"] })), notBefore],
  step: "stop/x0/1",
  summary: /SIGUSR1 is safe only at READY_FOR_MIGRATION, else it kills the proxy/,
});
