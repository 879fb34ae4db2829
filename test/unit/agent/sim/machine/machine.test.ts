import { readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Hardware, KernelKind } from "../../../../../agent/sim/kernel.js";
import { formatEnvironmentBlock, parseEnvironmentBlock } from "../../../../../agent/sim/machine/environment-block.js";
import { formatKernelImage } from "../../../../../agent/sim/machine/kernel-image.js";
import { FakeClock } from "../../../../support/fake-clock.js";
import { benchMachine } from "../../../../support/sim/bench-machine.js";

const grub = `
set timeout=5
load_env
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
   save_env next_entry
else
   set default="\${saved_entry}"
fi
menuentry 'Linux' --id linux { linux16 /boot/vmlinuz root=/dev/sda2 }
menuentry 'Lego P' --id lego { linux16 /boot/vmlinuz-lego memmap=2G\\$4G }
menuentry 'Lego by linux' --id wrong { linux /boot/vmlinuz-lego }
menuentry 'Gone' --id gone { linux16 /boot/x }
`;

function bench(t: Test, variables: Record<string, string>) {
  const clock = new FakeClock();
  const seen: { started: string[]; stopped: number; hardware: Hardware | undefined } = { started: [], stopped: 0, hardware: undefined };
  const kernel = (kind: string, realModeOnly: boolean): KernelKind => ({
    kind,
    realModeOnly,
    start(hardware, image, commandLine) {
      seen.hardware = hardware;
      seen.started.push(`${image.kind}: ${commandLine}`);
      hardware.transmit("ttyS1", Buffer.from("kernel speaks\r\n"));
      return { stop: async () => void (seen.stopped += 1) };
    },
  });
  const rootDirectory = t.testdir({});
  const { machine, serial } = benchMachine({
    rootDirectory,
    clock,
    kinds: [kernel("linux", false), kernel("legoos", true)],
    files: {
      "boot/grub2/grub.cfg": grub,
      "boot/grub2/grubenv": formatEnvironmentBlock(new Map(Object.entries(variables))),
      "boot/vmlinuz": formatKernelImage({ kind: "linux", build: {} }),
      "boot/vmlinuz-lego": formatKernelImage({ kind: "legoos", build: {} }),
    },
  });
  t.teardown(() => machine.close());
  const block = () => Object.fromEntries(parseEnvironmentBlock(readFileSync(join(rootDirectory, "boot/grub2/grubenv"))) ?? []);
  return { clock, machine, serial, seen, block };
}

t.test("power comes after its delay, then POST, boot loader, countdown and the default kernel", async (t) => {
  const { clock, machine, serial, seen } = bench(t, { saved_entry: "linux" });
  void machine.act("on");
  await clock.advance(999);
  t.notOk(machine.on);
  await clock.advance(1);
  t.ok(machine.on);
  await clock.advance(59_999);
  t.equal(serial(), "", "nothing on the line during POST");
  await clock.advance(1);
  t.match(serial(), /labd simulated BIOS[^]*Booting from Hard drive[^]*GNU GRUB[^]*\*Linux\r\n {2}Lego P[^]*automatically in 5s/);
  t.same(seen.started, []);
  await clock.advance(5_000);
  t.same(seen.started, ["linux: BOOT_IMAGE=/boot/vmlinuz root=/dev/sda2"]);
  t.match(serial(), "Booting `Linux'\r\n\r\nkernel speaks\r\n");
});

t.test("told to boot from elsewhere the firmware tries, finds nothing, and goes on to the disk; in its setup it stays", async (t) => {
  const { clock, machine, serial, seen } = bench(t, { saved_entry: "linux" });
  const devices = ["pxe", "cdrom", "setup"];
  machine.bootDevice = () => devices.shift() ?? "none";
  void machine.act("on");
  await clock.advance(61_000);
  t.match(serial(), /System Memory Size: 16 GB[^]*Booting from Integrated NIC 1: DHCP\.\.\.\r\n$/);
  await clock.advance(29_000);
  t.same(seen.started, []);
  await clock.advance(1_000);
  t.match(serial(), /PXE-E51: No DHCP or proxyDHCP offers were received\.[^]*Booting from Hard drive C:[^]*GNU GRUB/);
  void machine.act("reset");
  await clock.advance(65_000);
  t.match(serial(), /Booting from cdrom\r\nNo boot device available\r\n\r\nBooting from Hard drive C:\r\n[^]*GNU GRUB[^]*5s\.\r\n$/);
  void machine.act("reset");
  await clock.advance(3_600_000);
  t.match(serial(), /Entering System Setup\r\n$/);
  void machine.act("reset");
  await clock.advance(70_000);
  t.same(seen.started.length, 1);
  t.match(serial(), /kernel speaks\r\n$/);
});

t.test("who watches is told what happens, whoever caused it", async (t) => {
  const { clock, machine, seen } = bench(t, { saved_entry: "linux" });
  const events: string[] = [];
  const stop = machine.watch((event) => void events.push(event));
  void machine.act("on");
  await clock.advance(70_000);
  seen.hardware?.reset();
  await clock.advance(70_000);
  void machine.act("cycle");
  await clock.advance(10_000);
  stop();
  seen.hardware?.powerOff();
  await clock.advance(10_000);
  t.same(events, ["powered-on", "reset", "powered-off", "powered-on"]);
});

t.test("an entry chosen once boots once; the power cycle after it returns to the default", async (t) => {
  const { clock, machine, seen, block } = bench(t, { saved_entry: "linux", next_entry: "lego" });
  void machine.act("on");
  await clock.advance(70_000);
  t.same(seen.started, ["legoos: BOOT_IMAGE=/boot/vmlinuz-lego memmap=2G$4G"]);
  t.same(block(), { saved_entry: "linux", next_entry: "" });
  void machine.act("cycle");
  await clock.advance(2_000);
  t.notOk(machine.on);
  t.equal(seen.stopped, 1);
  await clock.advance(80_000);
  t.equal(seen.started[1], "linux: BOOT_IMAGE=/boot/vmlinuz root=/dev/sda2");
});

t.test("a real-mode kernel loaded by linux hangs in silence", async (t) => {
  const { clock, machine, serial, seen } = bench(t, { saved_entry: "wrong" });
  void machine.act("on");
  await clock.advance(200_000);
  t.same(seen.started, []);
  t.match(serial(), /Booting `Lego by linux'\r\n\r\n$/);
});

t.test(
  "a missing kernel is reported, waits for a key or ten seconds, and leaves the machine at the menu until somebody chooses",
  async (t) => {
    const { clock, machine, serial, seen } = bench(t, { saved_entry: "gone" });
    void machine.act("on");
    await clock.advance(66_000);
    t.match(serial(), /error: file `\/boot\/x' not found\.\r\n\r\nPress any key to continue\.\.\.$/);
    await clock.advance(10_000);
    t.match(serial(), /continue\.\.\.\r\n +GNU GRUB[^]*Press enter to boot the selected OS\.\r\n$/);
    await clock.advance(1_000_000);
    t.same(seen.started, []);
    for (const key of ["\x1b[A", "\x10", "\x1b[A", "\r"]) machine.port("ttyS1")?.send(Buffer.from(key));
    t.same(seen.started, ["linux: BOOT_IMAGE=/boot/vmlinuz root=/dev/sda2"]);
  },
);

t.test("a warm reset keeps the power, stops the kernel and goes through POST again", async (t) => {
  const { clock, machine, seen } = bench(t, { saved_entry: "linux" });
  void machine.act("on");
  await clock.advance(70_000);
  seen.hardware?.reset();
  await clock.advance(0);
  t.ok(machine.on);
  t.equal(seen.stopped, 1);
  await clock.advance(65_000);
  t.equal(seen.started.length, 2);
});

t.test("acts are done in the order they were asked for; those that make no sense do nothing", async (t) => {
  const { clock, machine, seen } = bench(t, { saved_entry: "linux" });
  for (const act of ["reset", "off", "cycle", "on", "on", "off", "on"] as const) void machine.act(act);
  await clock.advance(100_000);
  t.ok(machine.on);
  t.same(seen.started.length, 1);
});

t.test("a soft power-off asks the kernel, and one that does not listen goes on", async (t) => {
  const { clock, machine, seen } = bench(t, { saved_entry: "lego" });
  void machine.act("on");
  await clock.advance(70_000);
  void machine.act("soft");
  await clock.advance(600_000);
  t.ok(machine.on);
  t.equal(seen.stopped, 0);
});

t.test("a machine without boot loader configuration ends in rescue mode", async (t) => {
  const clock = new FakeClock();
  const { machine, serial } = benchMachine({ rootDirectory: t.testdir({}), clock, kinds: [] });
  t.teardown(() => machine.close());
  void machine.act("on");
  await clock.advance(100_000);
  t.match(serial(), /error: file `\/boot\/grub2\/grub\.cfg' not found\.\r\nEntering rescue mode\.\.\.\r\ngrub rescue> $/);
});

t.test("closing in the middle of an act leaves nothing running and no timer", async (t) => {
  const { clock, machine, seen } = bench(t, { saved_entry: "linux" });
  void machine.act("on");
  await clock.advance(70_000);
  void machine.act("cycle");
  await clock.advance(3_000);
  await machine.close();
  t.notOk(machine.on);
  t.equal(seen.stopped, 1);
  t.equal(clock.pendingTimers, 0);
});
