/** What a manager must say on its line, played against the deployment's own expectations. */
import t from "tap";
import { matchFailure } from "../../../../../controller/deploy/crash.js";
import { awaited, startEvidence, stepEvidence } from "../../../../../controller/deploy/evidence.js";
import { LineSplitter } from "../../../../../controller/deploy/lines.js";
import { failureLines } from "../../../../../controller/recipes/lego/failure-lines.js";
import { deployPlan, known } from "../../../../support/recipe/lego-lab.js";

/** Lines of a processor manager of 1P-1M-1S, padded as LegoOS pads them. */
const processorBoot = [
  "LegoOS version 4.0.0-lego-P+ (root@p0) (gcc version 4.8.5) #1 SMP Sat Nov 21 03:12:00 UTC 2026",
  "Command line: BOOT_IMAGE=/vmlinuz-4.0.0-lego-P+ memmap=2G$4G",
  "Scheduler is up and running",
  "x86: Booted up 1 node, 12 CPUs",
  "mlx4_core: Initializing 0000:04:00.0",
  "fit: ***  FIT_LOCAL_ID:            0",
  "fit: ***    NodeID    Hostname    LID    QPN",
  "fit: ***         0    p0     42     80 <---",
  "fit: ***         1    m0     23     80",
  "fit: ***         2    s0      8     80",
  "fit: Please wait for enough IB MAD (number: 7) ...",
];
const processorJoin = [
  "fit: fit_establish_conn() CPU1 port: 1 LID: 0 state: 2",
  "fit: Query returned LID: 42",
  "fit: ***  Successfully built QP for node  1 [LID: 23 QPN: 80]",
  "fit: ***  Successfully built QP for node  2 [LID: 8 QPN: 80]",
  "fit: Please wait other nodes to join ...",
  "fit:  ... Node [ 2] Joined. addr 00000007df800000 rkey 69120 nr_joined_nodes 1",
  "fit:  ... Node [ 1] Joined. addr 00000007df800000 rkey 69120 nr_joined_nodes 2",
  "fit: FIT layer ready to go!",
  "Processor LLC Configurations:",
  "Manager is up and running.",
];

/** How the evidence of these steps ends when the node prints these lines. */
function outcome(steps: readonly string[], lines: readonly string[]): string {
  const plan = deployPlan();
  const expectations = steps.flatMap(
    (id) =>
      plan.steps.find((step) => step.id === id)?.evidence.flatMap((each) => (each.kind === "console" ? each.expectations(known) : [])) ??
      [],
  );
  const printed = lines.map((line, index) => `[${String(index).padStart(5)}.000000] ${line}\r\n`).join("");
  let state = startEvidence(expectations);
  for (const line of new LineSplitter(0n).push(Buffer.from(printed, "latin1"))) {
    const step = stepEvidence(state, line);
    state = step.state;
    if (step.event?.kind === "failed") return `${step.event.expectation.id} failed: ${step.event.reason}`;
  }
  return awaited(state) === undefined ? "proven" : `waits for ${awaited(state)?.id ?? ""}`;
}

const replaced = (lines: readonly string[], from: RegExp, to: string) =>
  lines.map((line) => (from.test(line) ? line.replace(from, to) : line));

t.test("a processor manager that says all of it is proven, and each missing line is what is waited for", async (t) => {
  const steps = ["boot/p0", "connect/p0", "join/p0"];
  const all = [...processorBoot, ...processorJoin];
  t.equal(outcome(steps, all), "proven");
  const needed = all.filter((line) => !/mlx4_core|Hostname|establish|Joined/.test(line));
  t.equal(outcome(steps, needed), "proven", "optional lines may be missing");
  for (const line of needed)
    t.match(
      outcome(
        steps,
        needed.filter((each) => each !== line),
      ),
      /waits for/,
      line,
    );
});

t.test("a line that says the wrong thing fails at once", async (t) => {
  const table: [RegExp, string, RegExp][] = [
    [/LegoOS version \S+/, "Linux version 3.10.0", /Linux 3\.10\.0 booted instead of LegoOS: the one-shot boot entry was not taken/],
    [/4\.0\.0-lego-P\+ \(/, "4.0.0-lego-P (", /LegoOS 4\.0\.0-lego-P booted, the image of this run is 4\.0\.0-lego-P\+/],
    [/memmap=\S+/, "quiet", /no memmap=/],
    [/memmap=\S+/, "memmap=2G\\$4G", /backslash reached the kernel/],
    [/memmap=\S+/, "memmap=1G$4G", /memmap=1G\$4G, planned memmap=2G\$4G/],
    [/memmap=(\S+)/, "memmap=$1 memmap=$1", /more than one memmap=/],
    [/FIT_LOCAL_ID: +0/, "FIT_LOCAL_ID: 1", /FIT node id is 1, planned 0/],
    [/2 {4}s0 +8/, "2    s0      9", /the table says s0, LID 9/],
    [/(23) +80$/, "$1     90", /QPN 90/],
  ];
  for (const [from, to, reason] of table) t.match(outcome(["boot/p0"], replaced(processorBoot, from, to)), reason, to);
  t.match(outcome(["connect/p0"], replaced(processorJoin, /returned LID: 42/, "returned LID: 43")), /LID is 43, planned 42/);
  t.match(outcome(["connect/p0"], replaced(processorJoin, /\[LID: 8/, "[LID: 9")), /LID of the peer is 9, planned 8/);
});

t.test("a memory manager is told from a processor manager by what only it prints", async (t) => {
  t.equal(outcome(["join/m0"], processorJoin.slice(5)), "waits for worker");
  t.equal(
    outcome(["join/m0"], [...processorJoin.slice(5, 8), "thpool: CPU 2 thpool-worker0 worker_id: 0 UP", "Manager is up and running."]),
    "proven",
  );
  const memoryBoot = replaced(replaced(processorBoot, /lego-P/, "lego-M"), /FIT_LOCAL_ID: +0/, "FIT_LOCAL_ID: 1");
  t.equal(outcome(["boot/m0"], memoryBoot), "waits for thpool-buffer");
});

t.test("every failure line of the facts is known, with what it means", async (t) => {
  const table: [string, RegExp][] = [
    ["fit:     Empty hostname on node 2", /names fewer nodes/],
    ["fit:     Duplicated hostname p0 on node 1", /one twice/],
    ["Kernel Panic - not syncing: Please check your network config!", /node table built into this image is wrong/],
    ["Kernel Panic - not syncing: Processor cache not registered, memmap $ needed!", /booted without memmap/],
    ["fit: *** Current LID: 9 Table LID: 8", /LID has changed/],
    ["Machine halted.", /stopped for good/],
    ["ibapi_send_reply() CPU3 timeout (60010 ms), caller: 0xffffffff81", /did not answer/],
    ["fit: wc.status: 12", /connection failed/],
    ["fit: fail to connect to node 1 conn 3", /connection failed/],
    ["watchdog: worker[0] CPU2 stucked", /worker of the memory manager hangs/],
    ["Unknown: opcode: 7, from node: 0", /not from the same source/],
    ["general.o[15]: segfault at 8 ip 0000000000400518 sp 00007ffc error 4", /segmentation fault/],
    ["general.o[15] general protection ip:400518 sp:7ffc error:0", /trap/],
    ["general.o[15] trap invalid opcode ip:400518 sp:7ffc error:0", /trap/],
  ];
  const [first] = table;
  for (const [text, meaning] of table) {
    const [line] = new LineSplitter(0n).push(Buffer.from(`[    9.000000] ${text}\n`));
    t.match(line === undefined ? undefined : matchFailure(line, failureLines)?.meaning, meaning, text);
  }
  const [bare] = new LineSplitter(0n).push(Buffer.from(`${first?.[0] ?? ""}\n`));
  t.equal(bare === undefined ? bare : matchFailure(bare, failureLines), undefined, "without a time stamp it is nobody's");
  const insides: [string, RegExp][] = [
    ["***** Fail to to get the CQE from send_cq (ffff8808) after 20 seconds!", /a peer is not there/],
    ["*** Current LID: 23. Table LID: 42.", /LID has changed.*or two nodes have the same id/],
  ];
  for (const [text, meaning] of insides) {
    const inner = new LineSplitter(0n).push(Buffer.from(`[    9.000000] fit: \n***\n${text}\n`)).at(-1);
    t.match(inner === undefined ? inner : matchFailure(inner, failureLines)?.meaning, meaning, "inside a message of several lines");
  }
});

t.test("nothing a healthy manager prints is a failure line", async (t) => {
  for (const text of [...processorBoot, ...processorJoin, "NOTICE: Missing syscall nr: 334"]) {
    const [line] = new LineSplitter(0n).push(Buffer.from(`[    9.000000] ${text}\n`));
    t.equal(line === undefined ? line : matchFailure(line, failureLines), undefined, text);
  }
});
