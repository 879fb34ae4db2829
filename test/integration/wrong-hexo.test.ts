/**
 * Every trap of HEXO (facts: HEXO §1–§4), set on a simulated pair: the deployment fails where it shows, and says why and what to do.
 * Machines that misbehave by themselves first; then what people and other runs leave between two steps.
 */
import { utimesSync } from "node:fs";
import { connect, createServer } from "node:net";
import t, { type Test } from "tap";
import type { Tool } from "../../agent/sim/tools/tool.js";
import type { Failure } from "../../controller/deploy/entries.js";
import { type Act, type Json, type Known, type Recipe, startedJob } from "../../controller/deploy/recipe.js";
import { hexo } from "../../controller/recipes/hexo/hexo.js";
import { type Alteration, altered, altering } from "../support/wrong-recipe/altered-recipe.js";
import { bySignal, HexoLab, type HexoMachines } from "../support/wrong-recipe/hexo-lab.js";

t.setTimeout(400_000);

const ours = "/var/tmp/labd-hexo-pair";
const recipe = hexo as Recipe;

interface Trap extends HexoMachines {
  readonly says: string;
  readonly alterations?: readonly Alteration[];
  /** Steps one of which fails: which one, two machines decide between them. */
  readonly step: string | readonly string[];
  readonly summary: RegExp;
}

function checkFailure(t: Test, failure: Failure | undefined, { step, summary }: Trap): void {
  if (failure === undefined) return;
  t.ok([step].flat().includes(failure.step), `it fails at ${failure.step}`);
  t.match(failure.summary, summary);
  t.match(failure, { node: failure.step.split("/")[1], blame: "system" });
  t.same(failure.next.slice(0, -1), ["lab undeploy pair", "lab deploy pair"]);
  t.match(failure.next.at(-1), /^lab record \d{8}-\d{4}-\w+$/);
}

async function springs(t: Test, lab: HexoLab, trap: Trap): Promise<void> {
  const { status, failure } = await lab.run("deploy", altered(recipe, trap.alterations ?? []), {
    with: { port: await lab.freePort(), ...trap.with },
  });
  t.equal(status, "failed");
  checkFailure(t, failure, trap);
  t.same(await lab.lab.leases.list(), [], "the machines are free again");
  t.match(await lab.run("undeploy", recipe), { status: "succeeded" }, "and can be cleaned");
  t.same([await lab.proxies("x0"), await lab.proxies("potato0")], foreign(trap), "no proxy of ours is left");
}

function foreign({ x86Faults = [], boardFaults = [] }: Trap): number[] {
  return [x86Faults, boardFaults].map((faults) => (faults.includes("foreign-proxy") ? 1 : 0));
}

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

/** touch -d @SECONDS FILE */
const touch: Tool = ({ argv: [, at = "", path = ""], machine }) => {
  const seconds = Number(at.slice(1));
  utimesSync(machine.host(path), seconds, seconds);
  return 0;
};

/** Connects to a port, and is gone. */
const stranger: Tool = async ({ argv: [port = ""] }) => {
  const socket = connect(Number(port), "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.destroy();
  return 0;
};

const pair = await HexoLab.start(t, { tools: { touch, stranger } });

function between(trap: Trap): void {
  t.test(trap.says, (t) => springs(t, pair, trap));
}

/** Acts of whoever else is on the machine, before the n-th act of the step; in the directory of leg `leg` of this run. */
function doing(step: string, n: number, acts: (directory: string, known: Known) => readonly Act[], leg = 0): Alteration {
  return altering(step, (of) => ({
    ...of,
    acts: (known) => {
      const own = of.acts?.(known) ?? [];
      return [...own.slice(0, n), ...acts(`${ours}/${known.runId}/${leg}`, known), ...own.slice(n)];
    },
  }));
}

const put = (path: string, contents = "left over\n"): Act => ({ kind: "write-file", path, contents });

for (const [name, why] of [
  [".lock", /\.lock lies in .*would wait for another one, without a word; undeploy/],
  ["checkpoint/chk_config.txt", /checkpoint lies in .*would restore that old checkpoint instead; undeploy/],
  ["stack.bin.9", /stack\.bin\.9 lies in .*it is of no checkpoint of this run/],
  [".status", /\.status lies in .*an earlier proxy has run here/],
] as const)
  between({
    says: `${name} left in the directory: caught before the proxy starts`,
    alterations: [doing("start/x0/0", 0, (directory) => [put(`${directory}/${name}`)])],
    step: "start/x0/0",
    summary: why,
  });

between({
  says: "a .lock that comes after the look: the proxy blocks silently and is ended",
  alterations: [doing("start/x0/0", 1, (directory) => [put(`${directory}/.lock`)])],
  with: { readyWithinS: 1 },
  step: "ready/x0/0",
  summary: /\.lock waits without a word/,
});
between({
  says: "an old checkpoint that comes after the look: the proxy takes it for its own",
  alterations: [doing("start/x0/0", 1, (directory) => [put(`${directory}/checkpoint/chk_config.txt`)])],
  step: ["ready/x0/0", "start/x0/0"],
  summary: /the proxy has ended before it was ready|migration has failed|cannot restore/,
});
between({
  says: "a stale file among those of the checkpoint is never copied",
  alterations: [
    doing("start/x0/0", 1, (directory) => [
      put(`${directory}/stack.bin.9`),
      { kind: "command", argv: ["touch", "-d", "@1573000000", `${directory}/stack.bin.9`], timeoutMs: 5000 },
    ]),
  ],
  step: "stop/x0/1",
  summary: /stack\.bin\.9 is older than the proxy's start: stale files of another run, never to be copied/,
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

/** The proxy of a start is told something else. */
function told(step: string, env: Readonly<Record<string, string>>): Alteration {
  const tell = (act: Act): Act => (act.kind === "start" ? { ...act, env: { ...act.env, ...env } } : act);
  return altering(step, (of) => ({ ...of, acts: (known) => (of.acts?.(known) ?? []).map(tell) }));
}

between({
  says: "RESUME forgotten: it begins anew beside its checkpoint",
  alterations: [told("start/potato0/1", { HERMIT_MIGRATE_RESUME: "0" })],
  step: "ready/potato0/1",
  summary: /it runs without having restored anything: it has begun anew/,
});
between({
  says: "FULL_CHKPT_RESTORE on one side only",
  alterations: [told("start/potato0/1", { HERMIT_FULL_CHKPT_RESTORE: "0" })],
  step: ["ready/potato0/1", "start/potato0/1", "prove/potato0"],
  summary: /cannot get pages from the source|cannot restore/,
});
between({
  says: "the node's own id wrong",
  alterations: [told("start/potato0/1", { HERMIT_NODE_ID: "0" })],
  step: ["ready/potato0/1", "start/potato0/1"],
  summary: /migration has failed|the proxy has ended before it was restored/,
});

const postCopy: Readonly<Record<string, Json>> = { mode: "post-copy" };
const noPages = /cannot get pages from the source: SERVER must be its numeric IPv4 address/;

between({
  says: "a name as SERVER: no page ever comes",
  with: postCopy,
  alterations: [told("start/potato0/1", { HERMIT_MIGRATE_SERVER: "localhost" })],
  step: ["ready/potato0/1", "start/potato0/1", "prove/potato0"],
  summary: noPages,
});
between({
  says: "FULL_CHKPT_SAVE left on in post-copy: memory among the files",
  with: postCopy,
  alterations: [told("start/x0/0", { HERMIT_FULL_CHKPT_SAVE: "1" })],
  step: "stop/x0/1",
  summary: /ended without SERVING_REMOTE_PAGES: its memory is lost/,
});
const strangersPort = await pair.freePort();
between({
  says: "a stranger at the page server: it serves one client, and that was it",
  with: { ...postCopy, port: strangersPort },
  alterations: [
    altering("stage/potato0/1", (of) => ({
      ...of,
      acts: (known) => [...(of.acts?.(known) ?? []), { kind: "command", argv: ["stranger", String(strangersPort)], timeoutMs: 5000 }],
    })),
  ],
  step: ["ready/potato0/1", "start/potato0/1", "served/x0/1", "prove/potato0"],
  summary: /has not served all its memory|cannot get pages from the source/,
});
between({
  says: "a source that is ended before its memory was served: the application is lost",
  with: postCopy,
  alterations: [
    doing("transfer/x0/1", 0, (_, { outputs }) => [
      { kind: "end", job: startedJob(outputs, "start/x0/0", "proxy")?.job ?? "", graceMs: 0 },
    ]),
  ],
  step: ["ready/potato0/1", "start/potato0/1", "served/x0/1", "prove/potato0"],
  summary: /the proxy has ended|cannot get pages from the source/,
});
between({
  says: "a file cut short on its way",
  alterations: [altering("arrived/potato0/1", (of) => ({ ...of, acts: ({ runId }) => [put(`${ours}/${runId}/1/fds.bin`, "short")] }))],
  step: "arrived/potato0/1",
  summary: /fds\.bin has 5 bytes, \d+ were written: the copy is not whole/,
});
between({
  says: "a .lock on the board beside the checkpoint: caught before the proxy starts",
  alterations: [doing("start/potato0/1", 0, (directory) => [put(`${directory}/.lock`)], 1)],
  step: "start/potato0/1",
  summary: /\.lock lies in/,
});
between({
  says: "MIGTEST before the first iteration: a resumption could not be told from a new start",
  with: { class: "C", migtest: 1 },
  step: "stop/x0/1",
  summary: /nothing was printed before the checkpoint.*a greater migtest/,
});
between({
  says: "a program that is over before MIGTEST, without any fault",
  with: { class: "A", migtest: 600 },
  step: "stop/x0/1",
  summary: /ended without a checkpoint .*a smaller migtest or a bigger class/,
});

t.test("a page server's port that is taken: caught before anything is built", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const { failure } = await pair.run("deploy", recipe, { with: { ...postCopy, port } });
  t.match(failure, { step: "check/x0", summary: new RegExp(`port ${port} is taken; end what listens there, or choose another port`) });
});
