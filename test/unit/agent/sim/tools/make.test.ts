import { existsSync, utimesSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { imageMagic, type KernelImage } from "../../../../../agent/sim/kernel.js";
import { legoBuildOf } from "../../../../../agent/sim/lego/image.js";
import { BuildHost, memorySymbols, processorSymbols } from "../../../../support/lego-sim/build-host.js";

async function host(t: Test): Promise<BuildHost> {
  const created = await BuildHost.create();
  t.teardown(() => created.remove());
  return created;
}

function built(host: BuildHost) {
  const image = JSON.parse(host.read("arch/x86/boot/bzImage").slice(imageMagic.length)) as KernelImage;
  const build = legoBuildOf(image);
  if (build === undefined) throw new Error("not a LegoOS image");
  return build;
}

t.test("a processor manager builds, and everything it boots with is in the image", async (t) => {
  const lego = await host(t);
  await lego.configure(...processorSymbols, 'CONFIG_LOCALVERSION="-lego-P"');
  const made = await lego.make("-j4");
  t.equal(made.exitCode, 0);
  t.match(made.stdout, "Kernel: arch/x86/boot/bzImage is ready  (#1)");
  const build = built(lego);
  t.equal(build.release, "4.0.0-lego-P+");
  t.equal(build.version, "#1 SMP Sat Nov 21 02:00:34 UTC 2026");
  t.same(build.init, { filename: "/usr/bin/python", argv: ["/usr/bin/python", "/root/models/cifar10_main.py"] });
  t.same(build.table?.hostnames, ["node0", "node1"]);
  t.equal(build.table?.machines[1]?.lid, 23);
});

t.test("a memory manager has the program of usr linked in", async (t) => {
  const lego = await host(t);
  await lego.configure(...memorySymbols);
  lego.edit("usr/general.c", 'printf("pid: %d\\n", getpid());', 'printf("nonce %s\\n", "k7-93ac");\n\treturn 7;');
  t.equal((await lego.make("-C", "usr")).exitCode, 0);
  t.equal((await lego.make()).exitCode, 0);
  t.same(built(lego).ramfs?.program?.behaviour, { kind: "compiled", output: ["nonce ", "k7-93ac", "\n"], exitStatus: 7 });
});

t.test("without make -C usr the assembler misses the object", async (t) => {
  const lego = await host(t);
  await lego.configure(...memorySymbols);
  const made = await lego.make();
  t.equal(made.exitCode, 2);
  t.match(made.stderr, "Error: file not found: usr/general.o");
  t.match(made.stderr, "make: *** [managers/memory/ramfs] Error 2");
});

t.test("a changed program is not noticed until piggy.o is removed", async (t) => {
  const lego = await host(t);
  await lego.configure(...memorySymbols);
  await lego.make("-C", "usr");
  await lego.make();
  lego.edit("usr/general.c", "pid: %d", "pid of this run: %d");
  utimesSync(join(lego.root, "/root/LegoOS/usr/general.c"), 4e9, 4e9);
  await lego.make("-C", "usr");
  await lego.make();
  t.match(JSON.stringify(built(lego).ramfs), /pid: /);
  await lego.make("clean");
  await lego.make();
  t.match(JSON.stringify(built(lego).ramfs), /pid of this run: /);
});

t.test("make without terminal stops at a symbol that has no value", async (t) => {
  const lego = await host(t);
  await lego.configure("CONFIG_COMP_PROCESSOR=y");
  t.match(lego.read(".config"), /^CONFIG_DEFAULT_MEM_NODE=$/m);
  const made = await lego.make();
  t.equal(made.exitCode, 2);
  t.match(made.stdout, "Console input/output is redirected. Run 'make oldconfig' to update configuration.");
});

t.test("make without a configuration says so", async (t) => {
  const lego = await host(t);
  const made = await lego.make();
  t.equal(made.exitCode, 2);
  t.match(made.stderr, 'Configuration file ".config" not found!');
});

t.test("oldconfig fails when input ends at the memory node", async (t) => {
  const lego = await host(t);
  await lego.make("defconfig");
  lego.write(".config", `${lego.read(".config")}CONFIG_COMP_PROCESSOR=y\n`);
  t.equal((await lego.run("make", ["oldconfig"], { stdin: "\n\n\n" })).exitCode, 2);
});

const failures: readonly { says: string; prepare: (lego: BuildHost) => Promise<void> | void; expect: RegExp }[] = [
  {
    says: "a memory node id out of range",
    prepare: (lego) => lego.configure(...processorSymbols, "CONFIG_DEFAULT_MEM_NODE=2"),
    expect: /managers\/core\.c:\d+:1: error: #error "Please adjust default home memory node\."/,
  },
  {
    says: "a storage node id out of range, with RAMFS off",
    prepare: (lego) => lego.configure(...processorSymbols, "CONFIG_DEFAULT_STORAGE_NODE=2", "# CONFIG_USE_RAMFS is not set"),
    expect: /#error "Please adjust default storage node\."/,
  },
  {
    says: "a local id out of range",
    prepare: (lego) => lego.configure(...processorSymbols, "CONFIG_FIT_LOCAL_ID=2"),
    expect: /BUILD_BUG_ON failed: CONFIG_FIT_LOCAL_ID >= CONFIG_FIT_NR_NODES/,
  },
  {
    says: "both components at once",
    prepare: (lego) => lego.configure(...processorSymbols, "CONFIG_COMP_MEMORY=y", "# CONFIG_USE_RAMFS is not set"),
    expect: /multiple definition of `manager_init'/,
  },
  {
    says: "more names than nodes",
    prepare: async (lego) => {
      await lego.configure(...processorSymbols);
      lego.edit("net/lego/fit_machine.c", '[1]	=	"node1",', '[1]	=	"node1",\n	[2]	=	"node2",');
    },
    expect:
      /net\/lego\/fit_machine\.c:24:\d+: error: array index in initializer exceeds array bounds\nmake\[1\]: \*\*\* \[net\/lego\/fit_machine\.o\] Error 1/,
  },
  {
    says: "a missing comma in the table",
    prepare: async (lego) => {
      await lego.configure(...processorSymbols);
      lego.edit("net/lego/fit_machine.c", '.hostname =	"node0",', '.hostname =	"node0"');
    },
    expect: /fit_machine\.c:27:\d+: error: expected ‘}’ before ‘\.’ token/,
  },
  {
    says: "a missing semicolon in procmgmt()",
    prepare: async (lego) => {
      await lego.configure(...processorSymbols);
      lego.edit("managers/processor/core.c", 'argv_init[1] = "/root/models/cifar10_main.py";', 'argv_init[1] = "x"');
    },
    expect: /managers\/processor\/core\.c:\d+:\d+: error: expected ‘;’ before ‘return’/,
  },
  {
    says: "an open string",
    prepare: async (lego) => {
      await lego.configure(...processorSymbols);
      lego.edit("managers/processor/core.c", 'cifar10_main.py";', "cifar10_main.py;");
    },
    expect: /error: missing terminating " character/,
  },
  {
    says: "a brace too few",
    prepare: async (lego) => {
      await lego.configure(...processorSymbols);
      lego.write("managers/processor/core.c", lego.read("managers/processor/core.c").replace(/\}\n$/, ""));
    },
    expect: /error: expected declaration or statement at end of input/,
  },
];

for (const { says, prepare, expect } of failures) {
  t.test(`${says} does not compile`, async (t) => {
    const lego = await host(t);
    await prepare(lego);
    const made = await lego.make();
    t.equal(made.exitCode, 2);
    t.match(made.stderr, expect);
    t.notOk(existsSync(join(lego.root, "/root/LegoOS/arch/x86/boot/bzImage")));
  });
}

t.test("RAMFS with more than two nodes is worth a warning, no more", async (t) => {
  const lego = await host(t);
  await lego.configure(...processorSymbols, "CONFIG_FIT_NR_NODES=3");
  const made = await lego.make();
  t.equal(made.exitCode, 0);
  t.match(made.stderr, "managers/core.c:11:1: warning: #warning You configured more than two nodes and RAMFS option. [-Wcpp]\n");
});

t.test("an edit in a dead branch of procmgmt() changes nothing", async (t) => {
  const lego = await host(t);
  await lego.configure(...processorSymbols);
  lego.edit("managers/processor/core.c", 'init_filename = "/usr/bin/python";', 'init_filename = "/root/mine";');
  await lego.make();
  t.equal(built(lego).init?.filename, "/usr/bin/python");
});

t.test("nothing is linked again when nothing changed, and P and M overwrite each other", async (t) => {
  const lego = await host(t);
  await lego.configure(...processorSymbols);
  await lego.make();
  const again = await lego.make();
  t.notMatch(again.stdout, /LD {6}vmlinux/);
  t.match(again.stdout, "bzImage is ready  (#1)");
  await lego.configure(...memorySymbols, "# CONFIG_USE_RAMFS is not set");
  t.match((await lego.make()).stdout, "bzImage is ready  (#2)");
  t.equal(built(lego).init, undefined);
});

t.test("make install uses installkernel where it is: file in /boot, entry by linux16 in GRUB's menu", async (t) => {
  const lego = await host(t);
  lego.write("/sbin/installkernel", "#!/bin/sh\n");
  lego.write(
    "/boot/grub2/grub.cfg",
    "set default=0\nmenuentry 'CentOS Linux (3.11.1) 7 (Core)' --class centos $menuentry_id_option 'a' {\n\tlinux16 /boot/vmlinuz-3.11.1 ro\n\tinitrd16 /boot/i.img\n}\n",
  );
  await lego.configure(...processorSymbols);
  t.match((await lego.make("install")).stderr, 'You need to run "make" before "make install"');
  await lego.make();
  t.equal((await lego.make("install")).exitCode, 0);
  t.equal(lego.read("/boot/vmlinuz-4.0.0-lego+"), lego.read("arch/x86/boot/bzImage"));
  t.match(
    lego.read("/boot/grub2/grub.cfg"),
    "menuentry 'CentOS Linux (4.0.0-lego+) 7 (Core)' --class centos $menuentry_id_option 'gnulinux-4.0.0-lego+-advanced' {\n\tlinux16 /boot/vmlinuz-4.0.0-lego+ ro\n}\nmenuentry 'CentOS Linux (3.11.1)",
  );
  await lego.make("install");
  t.equal(lego.read("/boot/grub2/grub.cfg").split("lego+-advanced").length, 2, "the second installation adds no second entry");
});

t.test("make install copies vmImage-LegoOS where there is no installkernel", async (t) => {
  const lego = await host(t);
  await lego.configure(...processorSymbols);
  await lego.make();
  await lego.make("install");
  t.equal(lego.read("/boot/vmImage-LegoOS"), lego.read("arch/x86/boot/bzImage"));
});

t.test("modules build for the running kernel, and as shipped do not fit three nodes", async (t) => {
  const lego = await host(t);
  const modules = { cwd: "/root/LegoOS/linux-modules" };
  const shipped = await lego.run("make", [], modules);
  t.equal(shipped.exitCode, 2);
  t.match(
    shipped.stderr,
    /\/root\/LegoOS\/linux-modules\/fit\/fit_machine\.c:21:\d+: error: array index in initializer exceeds array bounds/,
  );
  lego.edit("linux-modules/fit/fit_machine.c", '	[3]	=	"wuklab13",\n	[4]	=	"wuklab15",\n', "");
  t.equal((await lego.run("make", [], modules)).exitCode, 0);
  t.match(lego.read("linux-modules/fit/fit.ko"), '"vermagic":"3.11.1"');
  t.ok(existsSync(join(lego.root, "/root/LegoOS/linux-modules/storage/storage.ko")));
});

t.test("modules need the headers of the running kernel", async (t) => {
  const lego = await host(t);
  lego.ask = () => Promise.resolve({ exitCode: 0, stdout: "3.10.0-327.el7.x86_64\n" });
  const made = await lego.run("make", ["-C", "linux-modules"]);
  t.equal(made.exitCode, 2);
  t.match(made.stderr, "/lib/modules/3.10.0-327.el7.x86_64/build: No such file or directory.");
});
