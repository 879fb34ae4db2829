/** What nodes report, judged: tools, boot menus, facts, what all trees must agree on. */
import t from "tap";
import type { BootMenuSeen, CommandOutcome, FactsSeen, Requirement, Verdict } from "../../../../../controller/deploy/recipe.js";
import { defaultEntry, judgeArmed, judgeDefaultIsLinux } from "../../../../../controller/recipes/lego/boot-menu.js";
import { formCluster } from "../../../../../controller/recipes/lego/cluster.js";
import * as tools from "../../../../../controller/recipes/lego/node-tools.js";
import { judgeAgreement } from "../../../../../controller/recipes/lego/steps/configure.js";
import { judgeReturn } from "../../../../../controller/recipes/lego/steps/undeploy.js";
import { deployPlan, known, plannedNode } from "../../../../support/recipe/lego-lab.js";

function ended(stdout: string, more: Partial<CommandOutcome> = {}): CommandOutcome {
  return { exitCode: 0, state: "exited", stdout, stderr: "", startedMs: 0, endedMs: 0, ...more };
}

const ibstat = (state: string, lid: number) => `CA 'mlx4_0'
	CA type: MT4099
	Number of ports: 2
	Port 1:
		State: ${state}
		Physical state: LinkUp
		Rate: 56
		Base lid: ${lid}
		LMC: 0
		SM lid: 1
	Port 2:
		State: Down
		Physical state: Polling
		Base lid: 0
`;

t.test("lspci: only a ConnectX-3 will do", async (t) => {
  const line = "04:00.0 Network controller [0280]: Mellanox Technologies MT27500 Family [ConnectX-3] [15b3:1003]";
  t.same(tools.judgeHca(ended(`00:00.0 Host bridge [0600]: Intel [8086:2f00]\n${line}\n`)), { ok: true, lines: [line] });
  t.match(tools.judgeHca(ended("04:00.0 Ethernet controller [0200]: Mellanox [15b3:1017]\n")), { ok: false, final: true });
});

t.test("ibstat: port 1 must be Active with a LID, the one expected if any", async (t) => {
  t.match(tools.judgePort(ended(ibstat("Active", 42))), { ok: true, outputs: { lid: 42 }, lines: ["State: Active", "Base lid: 42"] });
  t.match(tools.judgePort(ended(ibstat("Active", 42)), 42), { ok: true });
  t.match(tools.judgePort(ended(ibstat("Active", 43)), 42), { ok: false, reason: /LID 43, expected 42/ });
  t.match(tools.judgePort(ended(ibstat("Initializing", 42))), { ok: false, reason: /Initializing, not Active/ });
  t.match(tools.judgePort(ended(ibstat("Active", 0))), { ok: false, reason: /no LID/ });
  t.match(tools.judgePort(ended("")), { ok: false, reason: /no port 1/ });
  t.notMatch(tools.judgePort(ended(ibstat("Initializing", 0))), { final: true }, "a port may still come up");
});

t.test("sminfo: a subnet manager must answer", async (t) => {
  t.match(tools.judgeSubnetManager(ended("sminfo: sm lid 1 sm guid 0x2c903, activity count 7 priority 14 state 3 SMINFO_MASTER\n")), {
    ok: true,
  });
  t.match(tools.judgeSubnetManager(ended("sminfo: iberror: query failed\n", { exitCode: 1 })), { ok: false });
});

t.test("make: exit code 0 alone is no image, and a failure shows the compiler's last words", async (t) => {
  t.match(tools.judgeKernelBuild(ended("  CC a.o\nKernel: arch/x86/boot/bzImage is ready  (#3)\n")), { ok: true, lines: [/is ready/] });
  t.match(tools.judgeKernelBuild(ended("  CC a.o\n")), { ok: false, final: true, reason: /without saying/ });
  t.match(tools.judgeKernelBuild(ended("", { exitCode: 2, stderr: "fit.c:3: error: x\nmake: *** [fit.o] Error 1\n" })), {
    ok: false,
    reason: "make failed: exit code 2",
    lines: ["fit.c:3: error: x", "make: *** [fit.o] Error 1"],
  });
  t.match(tools.judgeKernelBuild(ended("x", { exitCode: undefined, state: "timed-out" })), { reason: "make failed: timed-out" });
});

t.test("readelf: a linked program must be static", async (t) => {
  t.match(tools.judgeStatic(ended("  LOAD 0x0\n")), { ok: true });
  t.match(tools.judgeStatic(ended("  INTERP 0x238\n")), { ok: false, reason: /dynamically/ });
  t.match(tools.judgeStatic(ended("", { exitCode: 1 })), { ok: false });
});

t.test("sha256sum: the release is the one whose file is the image just built", async (t) => {
  const result = ended("aa11  vmlinuz-4.0.0-lego-P\nbb22  vmlinuz-4.0.0-lego-P+\n", { exitCode: 1 });
  t.match(tools.judgeInstalledImage(result, "bb22"), { ok: true, outputs: { release: "4.0.0-lego-P+" } });
  t.match(tools.judgeInstalledImage(result, "cc33"), { ok: false, final: true, reason: /installkernel/ });
});

t.test("dmesg: FIT counts as connected by its own last word only", async (t) => {
  const ready = "[  71.0] FIT layer done with all initialization on node 2. Ready to go!";
  const stale = "[  12.0] fit: ***  Current LID: 9 Table LID: 8";
  t.match(tools.judgeFitModule(ended(`${stale}\n${ready}\n`), 2), { ok: true, lines: [ready] });
  t.match(tools.judgeFitModule(ended(`${ready}\n${stale}\n`), 2), { ok: false, final: true, lines: [stale] });
  t.match(tools.judgeFitModule(ended(`${ready}\n`), 3), { ok: false, final: true, reason: "FIT came up as node 2, planned 3" });
  const waiting = tools.judgeFitModule(ended("[  60.0] fit: starting\n"), 2);
  t.match(waiting, { ok: false, lines: ["[  60.0] fit: starting"] });
  t.notMatch(waiting, { final: true }, "it may still come");
  const end = "[  12.1] ibapi_establish_conn: ctx           (null) fail to init_interface ";
  t.match(tools.judgeFitModule(ended(`${stale}\n${end}\n`), 2), { ok: false, lines: [stale, end], reason: /another LID for this node/ });
  for (const line of ["ibapi_establish_conn: ctx (null) fail to init_interface", "******  ERROR: QPN Changed!", "Couldn't get local LID"])
    t.match(tools.judgeFitModule(ended(`[  1.0] ${line}\n`), 2), { ok: false, final: true }, line);
});

t.test("insmod storage.ko: a refusal is told in words", async (t) => {
  const refused = (why: string) =>
    tools.judgeStorageInsmod(ended("", { exitCode: 1, stderr: `insmod: ERROR: could not insert module storage.ko: ${why}\n` }));
  t.match(tools.judgeStorageInsmod(ended("")), { ok: true });
  t.match(refused("Unknown symbol in module"), { ok: false, reason: "fit.ko is not loaded" });
  t.match(refused("Input/output error"), { ok: false, reason: /^LegoOS FIT module is not ready/ });
  t.match(refused("File exists"), { ok: false, lines: ["insmod: ERROR: could not insert module storage.ko: File exists"] });
});

t.test("dmesg, pgrep: storage is alive when its thread runs and watches itself", async (t) => {
  t.match(tools.judgeStorageModule(ended("[ 9.0] storage_self_monitor(): in_handler=0\n")), { ok: true });
  t.match(tools.judgeStorageModule(ended("[ 9.0] LegoOS FIT module is not ready.\n")), { ok: false, final: true });
  t.match(tools.judgeStorageModule(ended("")), { ok: false });
  t.match(tools.judgeStorageThread(ended("412\n")), { ok: true });
  t.match(tools.judgeStorageThread(ended("", { exitCode: 1 })), { ok: false });
});

const linux = { id: "linux", title: "CentOS Linux 7", kernel: "/vmlinuz-3.10.0", arguments: "ro", linux16: true };
const ours = { id: "labd-lego-processor", title: "LegoOS", kernel: "/vmlinuz-4.0.0-lego-P", arguments: "memmap=2G$4G", linux16: true };
const menu = (more: Partial<BootMenuSeen> = {}): BootMenuSeen => ({
  entries: [linux, ours],
  defaultEntry: "linux",
  nextEntry: ours.id,
  ...more,
});

t.test("boot menu: the default is found by id, title, position, or as the first", async (t) => {
  for (const wanted of ["linux", "CentOS Linux 7", "0", ""]) t.equal(defaultEntry(menu({ defaultEntry: wanted })), linux, wanted);
  t.equal(defaultEntry(menu({ defaultEntry: "1" })), ours);
  t.equal(defaultEntry(menu({ defaultEntry: "gone" })), undefined);
});

t.test("boot menu: the default must be Linux, and tells where kernels are", async (t) => {
  t.match(judgeDefaultIsLinux(menu()), { ok: true, outputs: { defaultKernel: "/vmlinuz-3.10.0", kernelDirectory: "/" } });
  const below = { ...linux, kernel: "/boot/vmlinuz-3.10.0" };
  t.match(judgeDefaultIsLinux(menu({ entries: [below] })), { ok: true, outputs: { kernelDirectory: "/boot/" } });
  t.match(judgeDefaultIsLinux(menu({ defaultEntry: "1" })), { ok: false, final: true, reason: /is LegoOS/ });
  t.match(judgeDefaultIsLinux(menu({ entries: [] })), { ok: false, final: true });
});

t.test("boot menu: armed means our entry as planned, next, and the default as it was", async (t) => {
  const planned = { id: ours.id, kernel: ours.kernel, arguments: ours.arguments, defaultKernel: linux.kernel };
  t.match(judgeArmed(menu(), planned), { ok: true });
  const table: [string, BootMenuSeen, RegExp][] = [
    ["no entry", menu({ entries: [linux] }), /there is no entry/],
    ["a backslash", menu({ entries: [linux, { ...ours, arguments: "memmap=2G\\$4G" }] }), /has arguments "memmap=2G\\\$4G"/],
    ["an older kernel", menu({ entries: [linux, { ...ours, kernel: "/old" }] }), /boots \/old/],
    ["linux, not linux16", menu({ entries: [linux, { ...ours, linux16: false }] }), /linux16/],
    ["not armed", menu({ nextEntry: "" }), /next boot is ""/],
    ["a default that has moved", menu({ entries: [ours, linux], defaultEntry: "0" }), /default has become \/vmlinuz-4\.0\.0-lego-P/],
  ];
  for (const [what, seen, reason] of table) t.match(judgeArmed(seen, planned), { ok: false, final: true, reason }, what);
});

const facts: FactsSeen = {
  kernel: "Linux",
  kernelRelease: "3.10.0",
  arch: "x86_64",
  bootId: "b1",
  uptimeS: 100,
  cpuCount: 12,
  cpuModel: "Intel(R) Xeon(R) CPU E5-2620 v3",
  memoryBytes: 8 * 2 ** 30,
  memoryAvailableBytes: 7 * 2 ** 30,
  disks: [
    { mount: "/", sizeBytes: 2 ** 34, freeBytes: 2 ** 33 },
    { mount: "/boot", sizeBytes: 2 ** 29, freeBytes: 2 ** 28 },
  ],
  modules: ["mlx4_core"],
  commandLine: "ro",
};

function judgeFacts(node: string, seen: Partial<FactsSeen>): Verdict {
  const check = deployPlan().steps.find((step) => step.id === `check/${node}`);
  const requirement = check?.evidence.find((each): each is Requirement & { kind: "facts" } => each.kind === "facts");
  if (requirement === undefined) throw new Error(`no facts in check/${node}`);
  return requirement.judge({ ...facts, ...seen }, known);
}

t.test("facts: a fit manager passes and leaves release, boot and CPUs for later", async (t) => {
  t.match(judgeFacts("p0", {}), { ok: true, outputs: { kernelRelease: "3.10.0", bootId: "b1", cpuCount: 12 } });
});

t.test("facts: what makes a node unfit is named, all of it", async (t) => {
  t.match(judgeFacts("p0", { cpuCount: 2, cpuModel: "AMD EPYC", arch: "aarch64" }), { reason: /aarch64.*AMD EPYC.*2 CPUs/ });
  t.match(judgeFacts("p0", { memoryBytes: 4 * 2 ** 30 }), {
    final: true,
    reason: /4096 MiB of memory do not reach beyond the end of memmap=2G\$4G/,
  });
  t.match(judgeFacts("m0", { memoryBytes: 4 * 2 ** 30 }), { ok: true }, "memmap is the processor's");
  const full = [facts.disks[0], { mount: "/boot", sizeBytes: 2 ** 29, freeBytes: 2 ** 20 }].flatMap((disk) => disk ?? []);
  t.match(judgeFacts("m0", { disks: full }), { reason: /1 MiB free in \/boot/ });
  t.match(judgeFacts("m0", { disks: [{ mount: "/", sizeBytes: 2 ** 34, freeBytes: 0 }] }), { reason: /0 MiB free in \/boot/ });
  t.match(judgeFacts("s0", { kernelRelease: "3.11.1" }), { ok: true });
  t.match(judgeFacts("s0", { kernelRelease: "3.11.10" }), { reason: /3\.11\.10 runs; .* exactly 3\.11\.1$/ });
  t.match(judgeFacts("s0", { kernelRelease: "3.11.1", modules: ["fit", "mlx4_core"] }), {
    reason: /fit are loaded already|fit.*loaded already/,
  });
});

t.test("cross-check: tables and numbers must be equal everywhere, ids and LIDs differ", async (t) => {
  const cluster = formCluster(plannedNode("p0"), plannedNode("m0"), plannedNode("s0"));
  const configured = (localId: number, nodeTable = "T", nrNodes = 3) => ({ localId, nodeTable, nrNodes, firstQpn: 80, qpsPerPair: 12 });
  const outputs = { ...known.outputs, "configure/p0": configured(0), "configure/m0": configured(1), "configure/s0": configured(2) };
  t.match(judgeAgreement(cluster, outputs), { ok: true, lines: ["node 0: p0, LID 42", "node 1: m0, LID 23", "node 2: s0, LID 8"] });
  t.match(judgeAgreement(cluster, { ...outputs, "configure/s0": configured(2, "U", 4) }), {
    final: true,
    reason: /nodeTable is not the same.*nrNodes/,
  });
  t.match(judgeAgreement(cluster, { ...outputs, "configure/m0": configured(0) }), { reason: /same localId: 0, 0, 2/ });
  t.match(judgeAgreement(cluster, { ...outputs, "check/m0": { lid: 42 } }), { reason: /same lid: 42, 42, 8/ });
});

t.test("the way back: the same Linux as a new boot, as far as it is known", async (t) => {
  const before = { kernelRelease: "3.10.0", bootId: "b1" };
  t.match(judgeReturn({ ...facts, bootId: "b2" }, before), { ok: true });
  const stillOld = judgeReturn(facts, before);
  t.match(stillOld, { ok: false, reason: /still the boot of before/ });
  t.notMatch(stillOld, { final: true }, "the new boot may still come");
  t.match(judgeReturn({ ...facts, bootId: "b2", kernelRelease: "3.11.1" }, before), {
    ok: false,
    final: true,
    reason: /was 3\.10\.0 before/,
  });
  t.match(judgeReturn(facts, {}), { ok: true }, "nothing is known of before");
  t.match(judgeReturn(facts, {}, "b1"), { ok: false, reason: /still the boot that is to end/ }, "a reboot takes a moment to begin");
  t.match(judgeReturn({ ...facts, bootId: "b2" }, {}, "b1"), { ok: true });
});

t.test("a node that EFI has booted is refused before anything is changed; storage may boot as it likes", async (t) => {
  const firmware = (node: string) => {
    const check = deployPlan().steps.find((step) => step.id === `check/${node}`);
    return check?.evidence.find((each) => each.kind === "file" && each.path(known) === "/sys/firmware/efi");
  };
  const p0 = firmware("p0");
  if (p0?.kind !== "file") throw new Error("no such requirement");
  t.match(p0.judge(undefined, known), { ok: true });
  const directory = { kind: "directory", sizeBytes: 0, modifiedMs: 0, sha256: undefined, text: undefined } as const;
  t.match(p0.judge(directory, known), { ok: false, final: true, reason: /set the firmware to legacy boot/ });
  t.equal(firmware("s0"), undefined);
});
