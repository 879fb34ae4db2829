import t, { type Test } from "tap";
import type { KernelImage } from "../../../../../agent/sim/kernel.js";
import { type BuildHost, memorySymbols, processorSymbols } from "../../../../support/lego-sim/build-host.js";
import { buildImage, FakeLab, type FakeMachine, type MachineOptions } from "../../../../support/lego-sim/lab.js";

const memmap = "BOOT_IMAGE=/vmlinuz-4.0.0-lego+ memmap=2G$4G";
const nonceProgram = (host: BuildHost) =>
  host.write("usr/general.c", '#include <stdio.h>\nint main(void)\n{\n\tprintf("labd k7-93ac\\n");\n\treturn 7;\n}\n');
const processorImage = (...more: readonly string[]) => buildImage([...processorSymbols, ...more]);
const memoryImage = (...more: readonly string[]) => buildImage([...memorySymbols, ...more], nonceProgram);

interface Pair {
  readonly lab: FakeLab;
  readonly p: FakeMachine;
  readonly m: FakeMachine;
}

/** A test with two machines, which are switched off at its end: nothing may be left running. */
function pairTest(
  says: string,
  body: (t: Test, pair: Pair) => Promise<void>,
  options: { p?: MachineOptions; m?: MachineOptions } = {},
): void {
  t.test(says, async (t) => {
    const lab = new FakeLab();
    const p = lab.machine("p0", { lid: 42, ...options.p });
    const m = lab.machine("m0", { lid: 23, ...options.m });
    await body(t, { lab, p, m });
    await lab.end();
    t.equal(lab.clock.pendingTimers, 0, "no timer outlives the machines");
  });
}

/** Each pattern is found behind the one before. */
function inOrder(t: Test, text: string, patterns: readonly RegExp[]): void {
  let rest = text;
  for (const pattern of patterns) {
    const match = pattern.exec(rest);
    if (!t.ok(match, `${pattern}`)) {
      t.comment(text.split("\n").slice(-15).join("\n"));
      return;
    }
    rest = rest.slice((match?.index ?? 0) + (match?.[0].length ?? 0));
  }
}

const stamp = /\[ +\d+\.\d{6}\] /.source;
const kernel = (pattern: string) => new RegExp(`^${stamp}${pattern}`, "m");

pairTest("1P-1M boots to the program's nonce, with every line the facts list, in order", async (t, { lab, p, m }) => {
  p.boot(await processorImage("CONFIG_DEBUG_KERNEL=y", "CONFIG_DEBUG_EXIT=y", 'CONFIG_LOCALVERSION="-lego-P"'), memmap);
  m.boot(await memoryImage('CONFIG_LOCALVERSION="-lego-M"'));
  await lab.seconds(70);
  const common = (id: number, peer: number, peerLid: number) => [
    kernel("Scheduler is up and running"),
    kernel("x86: Booted up 1 node, 8 CPUs"),
    kernel("mlx4_core: Initializing "),
    kernel("mlx4_core: NOP command IRQ test passed"),
    kernel(`fit: \\*\\*\\*  FIT_LOCAL_ID: {12}${id}$`),
    kernel(`fit: \\*\\*\\* {9}0    node0     42     80${id === 0 ? " <---" : ""}$`),
    kernel(`fit: \\*\\*\\* {9}1    node1     23     80${id === 1 ? " <---" : ""}$`),
    kernel("fit: Please wait for enough IB MAD \\(number: 7\\) \\.\\.\\."),
    kernel("event PORT_CHANGE_UP arrived"),
    kernel("fit: fit_establish_conn\\(\\) CPU1 port: 1 LID: 0 state: 2"),
    kernel("fit: Query returned LID: "),
    kernel("fit: To align first QPN, we skipped: #72 #72 #73 .* #79$"),
    kernel(`fit: \\*\\*\\*  Successfully built QP for node  ${peer} \\[LID: ${peerLid} QPN: 80\\]`),
    kernel(`fit: {2}\\.\\.\\. Node \\[ ${peer}\\] Joined\\. addr`),
    kernel("fit: FIT layer ready to go!"),
  ];
  inOrder(t, p.text(), [
    /^\[ {4}0\.000000\] LegoOS version 4\.0\.0-lego-P\+ .* #1 SMP /,
    /Command line: BOOT_IMAGE=\/vmlinuz-4\.0\.0-lego\+ memmap=2G\$4G\n/,
    ...common(0, 1, 23),
    kernel("before: memset: 0xffff880100000000 0x80000000"),
    kernel("Processor LLC Configurations:"),
    kernel("Online CPU: 0-7"),
    kernel("Active CPU: "),
    kernel("Manager is up and running\\."),
    new RegExp(`^${stamp}STDOUT: ---\\[\nlabd k7-93ac\n.*\n\\]---$`, "m"),
    kernel("do_group_exit\\(\\) CPU:2pid:9,tgid:9 exit_code:0x700"),
    kernel("do_exit\\(\\) CPU:2 pid:9,tgid:9 code:0x700"),
  ]);
  inOrder(t, m.text(), [
    /LegoOS version 4\.0\.0-lego-M\+/,
    /Memory: thpool_buffer \[/,
    ...common(1, 0, 42),
    kernel("thpool: CPU 2 thpool-worker0 worker_id: 0 UP"),
    kernel("Manager is up and running\\."),
  ]);
  t.notMatch(p.text(), "thpool");
  t.notMatch(m.text(), "LLC");
  t.notMatch(m.text(), "STDOUT");
});

pairTest("lines end with CR LF, and program output brings bytes that are not UTF-8", async (t, { lab, p, m }) => {
  p.boot(await processorImage(), memmap);
  m.boot(await memoryImage());
  await lab.seconds(70);
  t.notMatch(p.bytes().toString("latin1").replaceAll("\r\n", ""), /[\r\n]/);
  t.ok(p.bytes().toString("utf8").includes("\ufffd"));
  t.notMatch(p.text(), "do_exit", "without DEBUG_EXIT the end of a program is silent");
});

pairTest("the barrier is passed about fifty seconds after the banner", async (t, { lab, p, m }) => {
  p.boot(await processorImage(), memmap);
  m.boot(await memoryImage());
  await lab.seconds(49);
  t.notMatch(p.text(), "FIT layer ready to go!");
  await lab.seconds(3);
  t.match(p.text(), "FIT layer ready to go!");
});

pairTest("a kernel built for the other port is silent on this one", async (t, { lab, p }) => {
  p.boot(await processorImage("CONFIG_TTY_SERIAL_TTYS0=y"), memmap);
  await lab.seconds(10);
  t.equal(p.text("ttyS1"), "");
  t.match(p.text("ttyS0"), "LegoOS version");
});

pairTest("a kernel without serial terminal says nothing anywhere", async (t, { lab, p }) => {
  p.boot(await processorImage("# CONFIG_TTY_SERIAL is not set"), memmap);
  await lab.seconds(10);
  t.equal(p.text("ttyS0") + p.text("ttyS1"), "");
});

const panics: readonly {
  says: string;
  image: () => Promise<KernelImage>;
  commandLine: string;
  expect: RegExp;
  machine?: MachineOptions;
}[] = [
  {
    says: "no memmap",
    image: () => processorImage(),
    commandLine: "root=/dev/sda2 ro",
    expect: /Kernel Panic - not syncing: Processor cache not registered, memmap \$ needed!/,
  },
  {
    says: "a backslash in memmap",
    image: () => processorImage(),
    commandLine: "memmap=2G\\$4G",
    expect: /Kernel Panic - not syncing: Processor cache not registered, memmap \$ needed!/,
  },
  {
    says: "two memmaps",
    image: () => processorImage(),
    commandLine: "memmap=2G$4G memmap=1G$6G",
    expect: /Kernel Panic - not syncing: Remove extra memmap from kernel parameters!/,
  },
  {
    says: "an empty host name",
    image: () => processorImage("CONFIG_FIT_NR_NODES=3"),
    commandLine: memmap,
    expect: /fit: {5}Empty hostname on node 2\n\[.*Kernel Panic - not syncing: Please check your network config!/,
  },
  {
    says: "an unknown host name",
    image: () => buildImage(processorSymbols, (host) => host.edit("net/lego/fit_machine.c", '[1]	=	"node1"', '[1]	=	"m0"')),
    commandLine: memmap,
    expect: /fit: {5}Wrong hostname m0 on node 1\n\[.*Kernel Panic - not syncing: Please check your network config!/,
  },
  {
    says: "a host name used twice",
    image: () => buildImage(processorSymbols, (host) => host.edit("net/lego/fit_machine.c", '[1]	=	"node1"', '[1]	=	"node0"')),
    commandLine: memmap,
    expect: /fit: {5}Duplicated hostname node0 on node 1\n\[.*Kernel Panic - not syncing: Please check your network config!/,
  },
];

for (const { says, image, commandLine, expect } of panics) {
  pairTest(`${says} panics, and the kernel stays where it is`, async (t, { lab, p }) => {
    p.boot(await image(), commandLine);
    await lab.seconds(60);
    t.match(p.text(), expect);
    t.match(p.text(), /---\[ end Kernel panic - not syncing: /);
    const { length } = p.text();
    await lab.seconds(600);
    t.equal(p.text().length, length);
  });
}

pairTest("a memmap range built in counts like one of the boot line", async (t, { lab, p }) => {
  p.boot(await processorImage("CONFIG_CMDLINE_BOOL=y", 'CONFIG_CMDLINE="memmap=2G$4G"'), "ro");
  await lab.seconds(13);
  t.match(p.text(), "Command line: memmap=2G$4G ro");
  t.match(p.text(), "IB MAD");
});

pairTest("a memmap range beyond RAM faults when it is cleared", async (t, { lab, p, m }) => {
  p.boot(await processorImage(), "memmap=8G$4G");
  m.boot(await memoryImage());
  await lab.seconds(70);
  inOrder(t, p.text(), [
    /FIT layer ready/,
    /before: memset/,
    /BUG: unable to handle kernel paging request/,
    /Kernel Panic - not syncing: Fatal exception/,
  ]);
  t.match(m.text(), "Manager is up and running.", "the memory manager does not notice");
});

for (const options of [{ hca: false }, { subnetManager: false }] as const) {
  pairTest(
    `with ${JSON.stringify(options)} it waits for management messages for ever`,
    async (t, { lab, p }) => {
      p.boot(await processorImage(), memmap);
      await lab.seconds(1800);
      t.match(p.text(), /IB MAD \(number: 7\) \.\.\.\n$/);
      if ("hca" in options) t.notMatch(p.text(), "mlx4");
    },
    { p: options },
  );
}

pairTest(
  "a LID that is not in the table halts the machine, in lines without time stamp",
  async (t, { lab, p }) => {
    p.boot(await processorImage(), memmap);
    await lab.seconds(600);
    t.match(p.text(), /^\*\*\* Current LID: 77\. Table LID: 42\.$/m);
    t.notMatch(p.text(), "Successfully built QP");
  },
  { p: { lid: 77 } },
);

pairTest("two nodes with the same id never join: the second finds the LID of the first in its table", async (t, { lab, p, m }) => {
  p.boot(await processorImage(), memmap);
  m.boot(await memoryImage("CONFIG_FIT_LOCAL_ID=0"));
  await lab.seconds(300);
  t.match(m.text(), "*** Current LID: 23. Table LID: 42.");
  t.match(p.text(), /Please wait other nodes to join \.\.\.\n$/);
});

pairTest("a peer less than a minute late is waited for", async (t, { lab, p, m }) => {
  p.boot(await processorImage(), memmap);
  await lab.seconds(55);
  m.boot(await memoryImage());
  await lab.seconds(120);
  t.match(p.text(), "labd k7-93ac");
});

pairTest("a peer later than that leaves both waiting for ever", async (t, { lab, p, m }) => {
  p.boot(await processorImage(), memmap);
  await lab.seconds(75);
  m.boot(await memoryImage());
  await lab.seconds(900);
  for (const machine of [p, m]) {
    t.match(machine.text(), "***** Fail to to get the CQE from send_cq (ffff88083d7f8000) after 20 seconds!");
    t.match(machine.text(), /Please wait other nodes to join \.\.\.\n$/);
    t.notMatch(machine.text(), "Joined");
  }
});

pairTest("a longer initial sleep bears with a later peer", async (t, { lab, p, m }) => {
  p.boot(await processorImage("CONFIG_FIT_INITIAL_SLEEP_TIMEOUT=60"), memmap);
  await lab.seconds(75);
  m.boot(await memoryImage("CONFIG_FIT_INITIAL_SLEEP_TIMEOUT=60"));
  await lab.seconds(200);
  t.match(p.text(), "labd k7-93ac");
});

pairTest("a node that was reset cannot join again", async (t, { lab, p, m }) => {
  p.boot(await processorImage(), memmap);
  m.boot(await memoryImage());
  await lab.seconds(70);
  await m.stop();
  m.boot(await memoryImage());
  await lab.seconds(300);
  t.match(m.text(), /Please wait other nodes to join \.\.\.\n$/);
});

for (const other of ["CONFIG_FIT_FIRST_QPN=90", "CONFIG_FIT_NR_QPS_PER_PAIR=10", "CONFIG_SOCKET_O_IB=y"]) {
  pairTest(`images that differ in ${other} get connection errors`, async (t, { lab, p, m }) => {
    p.boot(await processorImage(other), memmap);
    m.boot(await memoryImage());
    await lab.seconds(300);
    for (const machine of [p, m]) {
      t.match(machine.text(), /fit: wc\.status: transport retry counter exceeded/);
      t.match(machine.text(), /fit: fail to connect to node \d conn 0/);
      t.notMatch(machine.text(), "Manager is up");
    }
  });
}

pairTest("a dynamic program in RAMFS panics the memory manager", async (t, { lab, p, m }) => {
  p.boot(await processorImage(), memmap);
  m.boot(await buildImage(memorySymbols, (host) => host.edit("usr/Makefile", "CFLAGS := -static", "CFLAGS :=")));
  await lab.seconds(200);
  t.match(m.text(), /Kernel Panic - not syncing: .*ELF needs a storage/);
  t.match(p.text(), /ibapi_send_reply\(\) .* timeout \(60000 ms\), caller:/);
  t.notMatch(p.text(), "STDOUT");
});

pairTest("a processor that asks the wrong node for memory gets a time-out", async (t, { lab, p, m }) => {
  p.boot(await processorImage("CONFIG_DEFAULT_MEM_NODE=0"), memmap);
  m.boot(await memoryImage());
  await lab.seconds(200);
  t.match(p.text(), /Manager is up and running\.\n.*ibapi_send_reply\(\) .* timeout/);
  t.notMatch(p.text(), "STDOUT");
});

pairTest(
  "with fewer than four processors the manager never comes up",
  async (t, { lab, p, m }) => {
    p.boot(await processorImage(), memmap);
    m.boot(await memoryImage());
    await lab.seconds(200);
    t.match(m.text(), /Active CPU: \n$/);
  },
  { m: { processors: 3 } },
);

pairTest("an image without component starts no manager", async (t, { lab, p, m }) => {
  p.boot(await buildImage([]), memmap);
  m.boot(await memoryImage());
  await lab.seconds(200);
  t.match(p.text(), /FIT layer ready to go!\n$/);
});

pairTest("a diagnostic interrupt is the end of LegoOS, and it says so", async (t, { lab, p, m }) => {
  p.boot(await processorImage(), memmap);
  m.boot(await memoryImage());
  await lab.seconds(10);
  p.interrupt();
  p.interrupt();
  await lab.seconds(100);
  t.match(p.text(), /TRAP do_nmi in CPU0, error_code: 0 current:ffff[0-9a-f]{12} 1 kernel_init\n$/);
  t.notMatch(p.text(), /FIT layer ready/);
});
