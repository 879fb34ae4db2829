/** What the agent's boot loader port writes, read by a boot loader that shares no code with it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { GrubBootLoader } from "../../../../agent/host/boot/grub.js";
import { RootDirectory } from "../../../../agent/host/root-directory.js";
import type { BootEntry } from "../../../../agent/ports/boot.js";
import { seedLinuxRoot } from "../../../../agent/sim/linux/seed-root.js";
import { directoryBootFiles } from "../../../../agent/sim/machine/boot-files.js";
import { chooseEntry } from "../../../../agent/sim/machine/boot-loader.js";
import { GrubShell, type LoadedKernel } from "../../../../agent/sim/machine/grub-shell.js";
import { formatKernelImage } from "../../../../agent/sim/machine/kernel-image.js";

const entry: Omit<BootEntry, "managed"> = {
  id: "lego-p",
  title: "LegoOS processor",
  kernel: "/boot/vmlinuz-4.0.0-lego-P",
  initrd: "",
  arguments: "memmap=2G$4G",
  linux16: true,
};

async function bench(t: Test) {
  const rootDirectory = t.testdir({});
  await seedLinuxRoot(rootDirectory, { node: "p0", release: "3.11.1", consoleLine: "ttyS1", baudRate: 115200 });
  writeFileSync(join(rootDirectory, "boot/vmlinuz-4.0.0-lego-P"), formatKernelImage({ kind: "legoos", build: {} }));
  return { rootDirectory, loader: new GrubBootLoader({ root: new RootDirectory(rootDirectory) }) };
}

/** What the machine boots now. */
function boot(rootDirectory: string): LoadedKernel | undefined {
  const shell = new GrubShell(directoryBootFiles(rootDirectory), "/boot/grub2", () => undefined);
  shell.source("/boot/grub2/grub.cfg");
  shell.run(shell.entries[chooseEntry(shell.entries, shell.variables.get("default") ?? "")]?.body ?? []);
  return shell.loaded;
}

t.test("an entry chosen once boots once, by linux16, its dollar intact; then the default again", async (t) => {
  const { rootDirectory, loader } = await bench(t);
  await loader.putEntry(entry);
  await loader.bootOnce("lego-p");
  t.match(boot(rootDirectory), { protocol: "linux16", commandLine: "BOOT_IMAGE=/boot/vmlinuz-4.0.0-lego-P memmap=2G$4G" });
  t.match(await loader.menu(), { nextEntry: "" });
  t.match(boot(rootDirectory), { commandLine: /^BOOT_IMAGE=\/boot\/vmlinuz-3\.11\.1 / });
});

t.test("a choice taken back is no choice, and an entry removed is gone", async (t) => {
  const { rootDirectory, loader } = await bench(t);
  await loader.putEntry(entry);
  await loader.bootOnce("lego-p");
  await loader.bootOnce("");
  t.match(boot(rootDirectory), { path: "/boot/vmlinuz-3.11.1" });
  await loader.bootOnce("lego-p");
  await loader.removeEntry("lego-p");
  t.match(boot(rootDirectory), { path: "/boot/vmlinuz-3.11.1" });
});

for (const written of ["a=b", "memmap=1G$4G quiet", "path=C:x~*?[]", "hash#no-comment", "brace={x};y", "percent=%d &| <in >out"]) {
  t.test(`arguments ${JSON.stringify(written)} reach the kernel as they were given`, async (t) => {
    const { rootDirectory, loader } = await bench(t);
    await loader.putEntry({ ...entry, arguments: written });
    await loader.bootOnce("lego-p");
    t.equal(boot(rootDirectory)?.commandLine, `BOOT_IMAGE=/boot/vmlinuz-4.0.0-lego-P ${written}`);
  });
}

t.test("both see the same menu", async (t) => {
  const { rootDirectory, loader } = await bench(t);
  await loader.putEntry({ ...entry, title: "It's LegoOS" });
  const { entries, defaultEntry } = await loader.menu();
  const shell = new GrubShell(directoryBootFiles(rootDirectory), "/boot/grub2", () => undefined);
  shell.source("/boot/grub2/grub.cfg");
  t.same(
    entries.map(({ id, title }) => ({ id, title })),
    shell.entries.map(({ id, title }) => ({ id, title })),
  );
  t.equal(defaultEntry, shell.variables.get("default"));
});
