import t, { type Test } from "tap";
import type { KernelImage } from "../../../../../agent/sim/kernel.js";
import { BuildHost, memorySymbols, processorSymbols } from "../../../../support/lego-sim/build-host.js";
import { buildImage, FakeLab, type FakeLinux, type FakeMachine } from "../../../../support/lego-sim/lab.js";

const names = '	[0]	=	"node0",\n	[1]	=	"node1",\n	[2]	=	"node2",\n';
const threeNames = (host: BuildHost) => {
  host.write("net/lego/fit_machine.c", host.read("net/lego/fit_machine.c").replace(/\t\[0\]\t=\t"node0",\n.*\n/, names));
};
const threeNodes = ["CONFIG_FIT_NR_NODES=3", "CONFIG_DEFAULT_STORAGE_NODE=2", "# CONFIG_USE_RAMFS is not set"];

/** P built to run `argv` from the storage node. */
function processorImage(argv: readonly string[], ...more: readonly string[]): Promise<KernelImage> {
  return buildImage([...processorSymbols, ...threeNodes, "CONFIG_DEBUG_KERNEL=y", "CONFIG_DEBUG_EXIT=y", ...more], (host) => {
    threeNames(host);
    const assignments = argv.slice(1).map((word, index) => `\targv_init[${index + 1}] = "${word}";`);
    host.edit(
      "managers/processor/core.c",
      "\treturn do_execve(",
      `\tinit_filename = "${argv[0]}";\n${assignments.join("\n")}\n\treturn do_execve(`,
    );
  });
}

interface Trio {
  readonly lab: FakeLab;
  readonly p: FakeMachine;
  readonly m: FakeMachine;
  readonly linux: FakeLinux;
  readonly host: BuildHost;
}

/** P and M machines, and a storage node in Linux with built modules; `prepare` edits its tree first. */
function trioTest(
  says: string,
  body: (t: Test, trio: Trio) => Promise<void>,
  options: { release?: string; lid?: number; hca?: boolean; subnetManager?: boolean; prepare?: (host: BuildHost) => void } = {},
): void {
  t.test(says, async (t) => {
    const release = options.release ?? "3.11.1";
    const host = await BuildHost.create(release);
    t.teardown(() => host.remove());
    host.write(
      "linux-modules/fit/fit_machine.c",
      host
        .read("linux-modules/fit/fit_machine.c")
        .replace(/(hostnames\[CONFIG_FIT_NR_NODES\] = \{\n)[^}]*/, `$1${names}`)
        .replace(
          /\[0\]\t= \{[^]*?\n\};/,
          '[0]	= { .hostname = "node0", .lid = 42, },\n[1]	= { .hostname = "node1", .lid = 23, },\n[2]	= { .hostname = "node2", .lid = 8, },\n};',
        ),
    );
    options.prepare?.(host);
    const made = await host.make("-C", "linux-modules");
    t.equal(made.exitCode, 0, made.stderr);
    const lab = new FakeLab();
    const { hca = true, subnetManager = true } = options;
    const s = lab.machine("s0", { lid: options.lid ?? 8, rootDirectory: host.root, hca, subnetManager });
    const trio = { lab, host, p: lab.machine("p0", { lid: 42 }), m: lab.machine("m0", { lid: 23 }), linux: s.bootLinux(release) };
    await body(t, trio);
    await lab.end();
    t.equal(lab.clock.pendingTimers, 0, "no timer outlives the machines");
  });
}

async function deploy({ lab, p, m, linux }: Trio, argv: readonly string[]): Promise<void> {
  p.boot(await processorImage(argv), "memmap=2G$4G");
  m.boot(await buildImage([...memorySymbols, ...threeNodes], threeNames));
  await lab.seconds(13);
  linux.run("insmod", "fit/fit.ko");
  await lab.seconds(60);
  linux.run("insmod", "storage/storage.ko");
  await lab.seconds(20);
}

trioTest("1P-1M-1S runs a program of the storage node, with its arguments", async (t, trio) => {
  const { p, m, linux } = trio;
  await deploy(trio, ["/bin/echo", "nonce", "k7-93ac"]);
  t.match(linux.dmesg, "FIT layer done with all initialization on node 2. Ready to go!");
  t.same(linux.threads, ["lego-storaged", "lego-self-monitor"]);
  t.match(linux.dmesg, "storage_self_monitor(): in_handler=0");
  for (const machine of [p, m]) t.match(machine.text(), /FIT layer ready to go![^]*Manager is up and running\./);
  t.match(p.text(), /STDOUT: ---\[\nnonce k7-93ac\n/);
  t.match(p.text(), "do_group_exit() CPU:2pid:9,tgid:9 exit_code:0x0");
});

trioTest("a script runs under its interpreter", async (t, trio) => {
  trio.host.write("/root/hello.py", 'import sys\nprint("Hello", sys.argv[1])\nprint("%s!" % sys.argv[2])\nsys.exit(3)\n');
  await deploy(trio, ["/usr/bin/python", "/root/hello.py", "k7", "world"]);
  t.match(trio.p.text(), /STDOUT: ---\[\nHello k7\n/);
  t.match(trio.p.text(), /STDOUT: ---\[\nworld!\n/);
  t.match(trio.p.text(), "exit_code:0x300");
});

trioTest("a program that is not on the storage node cannot be started", async (t, trio) => {
  await deploy(trio, ["/root/nowhere", "k7"]);
  t.match(trio.p.text(), "Processor: Fail to execve /root/nowhere, error: -2");
  t.notMatch(trio.p.text(), "STDOUT");
});

trioTest("a script cannot be started without its interpreter", async (t, trio) => {
  trio.host.write("/root/hello.py", '#!/usr/bin/python\nprint("k7")\n');
  await deploy(trio, ["/root/hello.py"]);
  t.match(trio.p.text(), "Processor: Fail to execve /root/hello.py, error: -8");
});

trioTest("a storage manager that comes more than a minute after the managers is too late", async (t, { lab, p, m, linux }) => {
  p.boot(await processorImage(["/bin/echo", "k7"]), "memmap=2G$4G");
  m.boot(await buildImage([...memorySymbols, ...threeNodes], threeNames));
  await lab.seconds(13);
  linux.run("insmod", "fit/fit.ko");
  await lab.seconds(200);
  linux.run("insmod", "storage/storage.ko");
  await lab.seconds(60);
  t.match(m.text(), /ibapi_send_reply\(\) .* timeout \(60000 ms\), caller:/);
  t.notMatch(p.text(), "STDOUT");
});

trioTest(
  "with RAMFS left on in three nodes, the linked program runs instead of the one on the storage node",
  async (t, { lab, p, m, linux }) => {
    p.boot(await processorImage(["/bin/echo", "k7"]), "memmap=2G$4G");
    m.boot(await buildImage([...memorySymbols, "CONFIG_FIT_NR_NODES=3"], threeNames));
    await lab.seconds(13);
    linux.run("insmod", "fit/fit.ko");
    await lab.seconds(90);
    t.match(p.text(), /STDOUT: ---\[\npid: /);
    t.notMatch(p.text(), "k7");
  },
);

trioTest("without fit.ko both managers wait for ever", async (t, { lab, p, m }) => {
  p.boot(await processorImage(["/bin/echo", "k7"]), "memmap=2G$4G");
  m.boot(await buildImage([...memorySymbols, ...threeNodes], threeNames));
  await lab.seconds(600);
  for (const machine of [p, m]) {
    t.match(machine.text(), "Joined", "P and M find each other");
    t.notMatch(machine.text(), "FIT layer ready to go!");
  }
});

trioTest("insmod fit.ko hangs, and says nothing, while peers are missing", async (t, { lab, linux }) => {
  const fit = linux.run("insmod", "fit/fit.ko");
  await lab.seconds(900);
  t.equal(fit.reply, undefined);
  t.notMatch(linux.dmesg, "Ready to go!");
});

trioTest(
  "a stale LID in the module's table: insmod ends with 0, only the log tells, and storage refuses",
  async (t, { lab, linux }) => {
    const fit = linux.run("insmod", "fit/fit.ko");
    await lab.seconds(90);
    t.equal(fit.reply?.exitCode, 0);
    t.match(linux.dmesg, "*** Current LID: 9. Table LID: 8.");
    t.match(linux.dmesg, "fail to init_interface");
    const storage = linux.run("insmod", "storage/storage.ko");
    await lab.seconds(1);
    t.same(storage.reply, { exitCode: 1, stderr: "insmod: ERROR: could not insert module storage/storage.ko: Input/output error\n" });
    t.match(linux.dmesg, "LegoOS FIT module is not ready.");
    t.same(linux.threads, []);
  },
  { lid: 9 },
);

trioTest(
  "without a subnet manager insmod fit.ko asks for a LID for ever",
  async (t, { lab, linux }) => {
    const fit = linux.run("insmod", "fit/fit.ko");
    await lab.seconds(300);
    t.equal(fit.reply, undefined);
    t.match(linux.dmesg, /(Couldn't get local LID 0 state 2\n){20}/);
  },
  { subnetManager: false },
);

trioTest(
  "without an adapter insmod fit.ko ends with 0 and connects nothing",
  async (t, { lab, linux }) => {
    const fit = linux.run("insmod", "fit/fit.ko");
    await lab.seconds(1);
    t.equal(fit.reply?.exitCode, 0);
    t.match(linux.dmesg, "ERROR: ibapi_establish_conn uninitilized ibapi_dev");
  },
  { hca: false },
);

for (const release of ["3.10.0-327.el7.x86_64", "3.11.10"]) {
  trioTest(
    `modules built for Linux ${release} do not load`,
    async (t, { lab, linux }) => {
      const fit = linux.run("insmod", "fit/fit.ko");
      await lab.seconds(1);
      t.same(fit.reply, { exitCode: 1, stderr: "insmod: ERROR: could not insert module fit/fit.ko: Invalid module format\n" });
      t.match(linux.dmesg, `fit: version magic '${release} SMP mod_unload ' should be '3.11.1 SMP mod_unload '`);
    },
    { release },
  );
}

trioTest("insmod explains what it cannot load", async (t, { lab, linux, host }) => {
  host.write("linux-modules/fit/text.ko", "no module");
  const replies = ["fit/none.ko", "fit/text.ko", "storage/storage.ko"].map((path) => linux.run("insmod", path));
  await lab.seconds(1);
  t.match(replies[0]?.reply?.stderr, "No such file or directory");
  t.match(replies[1]?.reply?.stderr, "Invalid module format");
  t.match(replies[2]?.reply?.stderr, "Unknown symbol in module", "storage.ko without fit.ko");
  linux.run("insmod", "fit/fit.ko");
  const again = linux.run("insmod", "fit/fit.ko");
  await lab.seconds(1);
  t.match(again.reply?.stderr, "File exists");
  const removed = linux.run("rmmod", "fit");
  await lab.seconds(1);
  t.equal(removed.reply?.exitCode, 1, "there is no clean unload");
});

trioTest(
  "with STORAGE_BYPASS_PAGE_CACHE insmod storage.ko never returns",
  async (t, trio) => {
    const { lab, p, m, linux } = trio;
    p.boot(await processorImage(["/bin/echo", "k7"]), "memmap=2G$4G");
    m.boot(await buildImage([...memorySymbols, ...threeNodes], threeNames));
    linux.run("insmod", "fit/fit.ko");
    await lab.seconds(90);
    const storage = linux.run("insmod", "storage/storage.ko");
    await lab.seconds(300);
    t.equal(storage.reply, undefined);
  },
  {
    prepare: (host) =>
      host.edit("linux-modules/storage/CONFIG_LEGO_STORAGE.h", "//#define STORAGE_BYPASS_PAGE_CACHE", "#define STORAGE_BYPASS_PAGE_CACHE"),
  },
);

trioTest("ibstat, sminfo and lspci show the adapter", async (t, { lab, linux }) => {
  const [ibstat, sminfo, lspci] = [linux.run("ibstat"), linux.run("sminfo"), linux.run("lspci", "-nn")];
  await lab.seconds(1);
  t.match(ibstat.reply?.stdout, /Port 1:\n\t\tState: Active\n[^]*Base lid: 8\n/);
  t.match(sminfo.reply?.stdout, /^sminfo: sm lid 1 /);
  t.match(lspci.reply?.stdout, "[15b3:1003]");
});
