import t from "tap";
import { matchCrash, matchFailure } from "../../../../controller/deploy/crash.js";
import { LineSplitter, type SeenLine } from "../../../../controller/deploy/lines.js";

function line(text: string): SeenLine {
  const [only] = new LineSplitter(0n).push(Buffer.from(`${text}\n`, "latin1"));
  if (only === undefined) throw new Error("no line");
  return only;
}

const fatal = [
  "[    9.801220] Kernel Panic - not syncing: Please check your network config!",
  "[    9.801300] ---[ end Kernel panic - not syncing: Please check your network config!",
  "[    1.100000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
  "[   11.000000] BUG: unable to handle kernel NULL pointer dereference at 0000000000000008",
  "[   11.000000] Unable to handle kernel paging request at virtual address ffff800000000000",
  "[   11.000000] BUG: unable to handle page fault for address: ffffc90000000000",
  "[   11.000000] kernel BUG at mm/slub.c:3911!",
  "[   11.000000] Internal error: Oops: 96000004 [#1] SMP",
  "[   11.000000] Oops: 0002 [#1] SMP",
  "[   11.000000] general protection fault: 0000 [#1] SMP",
  "[   11.000000] Fatal exception",
  "[   60.000000] BUG: soft lockup - CPU#0 stuck for 22s! [swapper/0:1]",
  "[   60.000000] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [kworker:7]",
  "[   60.000000] NMI watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [insmod:412]",
  "[   60.000000] NMI watchdog: Watchdog detected hard LOCKUP on cpu 3",
  "[   60.000000] mce: [Hardware Error]: CPU 2: Machine Check Exception: 5 Bank 4: b200000000100402",
  "[   60.000000] BUG: KASAN: use-after-free in kfree+0x10/0x20",
  "Kernel panic - not syncing: printed without time stamps",
];
const noted = [
  "[    3.000000] ------------[ cut here ]------------",
  "[    3.000000] WARNING: CPU: 0 PID: 1 at kernel/fork.c:12 fork_init+0x1/0x2",
  "[    3.000000] mce: [Hardware Error]: Machine check events logged",
  "[    3.000000] INFO: rcu_sched self-detected stall on CPU",
  "[    3.000000] INFO: task kworker/0:1:23 blocked for more than 120 seconds.",
  "[    3.000000] general.o[15]: segfault at 8 ip 0000000000400518 sp 00007ffc error 4",
];
const harmless = [
  "[    0.000000] mce: CPU supports 10 MCE banks",
  "[    4.956000] (dev 0000:00:03.0)can't find IRQ for PCI INT A; probably buggy MP table",
  "[   40.641034] NOTICE: Missing syscall nr: 334",
  "[    0.000000] TSC: Fast TSC calibration failed",
  "[    0.100000] NMI watchdog: enabled on all CPUs, permanently consumes one hw-PMU counter.",
  "root@p0:~# grep 'Kernel panic - not syncing' /var/log/messages",
  "[    1.000000] Command line: panic=10 oops=panic softlockup_panic=1",
];

t.test("knows the lines after which a kernel does not go on", async (t) => {
  for (const text of fatal) t.equal(matchCrash(line(text))?.fatal, true, text);
});

t.test("knows lines worth citing after which a kernel goes on", async (t) => {
  for (const text of noted) t.equal(matchCrash(line(text))?.fatal, false, text);
});

t.test("leaves lines alone that only contain the words", async (t) => {
  for (const text of harmless) t.equal(matchCrash(line(text)), undefined, text);
});

t.test("never believes a program's own text", async (t) => {
  const lines = new LineSplitter(0n).push(Buffer.from(`[    1.000000] STDOUT: ---[\n${fatal.join("\n")}\n]---\n`, "latin1"));
  t.equal(lines.length, fatal.length + 2);
  for (const each of lines) t.equal(matchCrash(each), undefined, each.text);
});

t.test("does not take the inside of a very long line for a line", async (t) => {
  const [, rest] = new LineSplitter(0n).push(Buffer.from(`${"x".repeat(4096)}Kernel panic - not syncing: x\n`, "latin1"));
  t.equal(rest?.continuation, true);
  t.equal(rest === undefined ? undefined : matchCrash(rest), undefined);
});

t.test("finds a recipe's own failure lines by pattern and origin", async (t) => {
  const table = [{ pattern: /^Machine halted\./, where: "kernel", meaning: "stopped" }] as const;
  t.equal(matchFailure(line("[    1.000000] Machine halted."), table)?.meaning, "stopped");
  t.equal(matchFailure(line("Machine halted."), table), undefined);
  const anywhere = [{ pattern: /^\*{5} Fail/, where: "any", meaning: "peer" }] as const;
  t.equal(matchFailure(line("***** Fail"), anywhere)?.meaning, "peer", "the middle of a message of several lines has no time stamp");
  const [, program] = new LineSplitter(0n).push(Buffer.from("[    1.000000] STDOUT: ---[\n***** Fail\n"));
  t.equal(program === undefined ? program : matchFailure(program, anywhere), undefined, "a program's words do not count");
});
