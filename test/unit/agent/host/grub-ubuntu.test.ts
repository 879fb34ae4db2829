/** Ubuntu's boot menu: what the agent reads and chooses, a boot loader written by somebody else boots. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { GrubBootLoader } from "../../../../agent/host/boot/grub.js";
import { GrubEnvironment } from "../../../../agent/host/boot/grubenv.js";
import { RootDirectory } from "../../../../agent/host/root-directory.js";
import { BootLoader } from "../../../../agent/sim/machine/boot-loader.js";
import { directoryBootFiles } from "../../../../agent/sim/machine/boot-files.js";
import { formatKernelImage } from "../../../../agent/sim/machine/kernel-image.js";
import { machineTime } from "../../../../agent/sim/machine/machine-time.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { ubuntuGrubConfig, ubuntuNewEntry, ubuntuOldEntry } from "../../../support/host/ubuntu-grub-config.js";

const kernels = ["5.15.94+", "5.15.0-91-generic"];

function machine(t: Test, defaultEntry: string) {
  const root = t.testdir({});
  mkdirSync(join(root, "boot/grub"), { recursive: true });
  writeFileSync(join(root, "boot/grub/grub.cfg"), ubuntuGrubConfig(defaultEntry));
  writeFileSync(join(root, "boot/grub/grubenv"), GrubEnvironment.empty.encode());
  for (const release of kernels) {
    writeFileSync(join(root, `boot/vmlinuz-${release}`), formatKernelImage({ kind: "linux", build: { release } }));
    writeFileSync(join(root, `boot/initrd.img-${release}`), "initrd");
  }
  const boot = async (): Promise<string> => {
    const clock = new FakeClock();
    let path = "nothing";
    const loader = new BootLoader({
      files: directoryBootFiles(root),
      time: machineTime(clock, 1),
      print: () => undefined,
      start: (kernel) => void (path = kernel.path),
    });
    loader.run();
    await clock.advance(31_000);
    loader.stop();
    return path;
  };
  return { loader: new GrubBootLoader({ root: new RootDirectory(root) }), boot, root };
}

t.test("the agent reads the submenu, and names its entries as GRUB addresses them", async (t) => {
  const { loader } = machine(t, "0");
  const { entries, defaultEntry, nextEntry } = await loader.menu();
  t.same([defaultEntry, nextEntry], ["", ""]);
  const named = entries.map(({ id, kernel }) => [id, kernel]);
  t.match(named[0], [/^gnulinux-simple-/, "/boot/vmlinuz-5.15.94+"]);
  t.same(named[1], [ubuntuNewEntry, "/boot/vmlinuz-5.15.94+"]);
  t.same(named[3], [ubuntuOldEntry, "/boot/vmlinuz-5.15.0-91-generic"]);
  t.match(entries[3]?.arguments, /console=ttyS1,115200n8$/);
});

t.test("without a choice the newest kernel boots, pinned the one of the path", async (t) => {
  t.equal(await machine(t, "0").boot(), "/boot/vmlinuz-5.15.94+");
  const pinned = machine(t, ubuntuOldEntry);
  t.equal(await pinned.boot(), "/boot/vmlinuz-5.15.0-91-generic");
  t.equal((await pinned.loader.menu()).defaultEntry, ubuntuOldEntry);
});

t.test("an entry of the submenu chosen once boots once, and the choice is spent", async (t) => {
  const { loader, boot } = machine(t, ubuntuOldEntry);
  t.equal((await loader.bootOnce(ubuntuNewEntry)).nextEntry, ubuntuNewEntry);
  t.equal(await boot(), "/boot/vmlinuz-5.15.94+");
  t.equal((await loader.menu()).nextEntry, "");
  t.equal(await boot(), "/boot/vmlinuz-5.15.0-91-generic");
});

t.test("titles and positions lead into the submenu as well", async (t) => {
  t.equal(await machine(t, "Advanced options for Ubuntu>Ubuntu, with Linux 5.15.0-91-generic").boot(), "/boot/vmlinuz-5.15.0-91-generic");
  t.equal(await machine(t, "1>2").boot(), "/boot/vmlinuz-5.15.0-91-generic");
  t.equal(await machine(t, "1>nowhere").boot(), "/boot/vmlinuz-5.15.94+", "what matches nothing is the first");
});

t.test("the agent says which entry a path of titles or positions means", async (t) => {
  for (const wanted of ["1>2", "Advanced options for Ubuntu>Ubuntu, with Linux 5.15.0-91-generic"])
    t.equal((await machine(t, wanted).loader.menu()).defaultEntry, ubuntuOldEntry, wanted);
});

t.test("a failed boot is noted, and waits for nobody", async (t) => {
  const { boot, root } = machine(t, "0");
  await boot();
  t.match(readFileSync(join(root, "boot/grub/grubenv"), "utf8"), /recordfail=1/);
  t.ok(existsSync(join(root, "boot/grub/grubenv")));
  t.equal(await boot(), "/boot/vmlinuz-5.15.94+", "after 30 s at the menu");
});
