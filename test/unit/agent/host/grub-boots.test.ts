/** What the agent writes, a boot loader written by somebody else boots: the simulated machine's GRUB shares no code with the agent. */
import { mkdir, writeFile } from "node:fs/promises";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { GrubBootLoader } from "../../../../agent/host/boot/grub.js";
import { GrubEnvironment } from "../../../../agent/host/boot/grubenv.js";
import { RootDirectory } from "../../../../agent/host/root-directory.js";
import { chooseEntry } from "../../../../agent/sim/machine/boot-loader.js";
import { GrubShell } from "../../../../agent/sim/machine/grub-shell.js";
import { formatKernelImage } from "../../../../agent/sim/machine/kernel-image.js";
import { centosGrubConfig } from "../../../support/host/grub-config.js";
import { scratchDirectory } from "../../../support/host/scratch.js";

t.test("an entry chosen once boots once, by the 16-bit protocol, with the command line as it was given", async (t) => {
  const root = await scratchDirectory(t);
  await mkdir(join(root, "boot/grub2"), { recursive: true });
  await writeFile(join(root, "boot/grub2/grub.cfg"), centosGrubConfig);
  await writeFile(join(root, "boot/grub2/grubenv"), GrubEnvironment.empty.with("saved_entry", "gnulinux-3.10.0").encode());
  await writeFile(join(root, "boot/vmlinuz-P"), formatKernelImage({ kind: "lego", build: {} }));
  const loader = new GrubBootLoader({ root: new RootDirectory(root) });
  const commandLine = "memmap=2G$4G a;b|c x={1}#2";
  await loader.putEntry({
    id: "lego-p",
    title: "It's $LegoOS {",
    kernel: "/boot/vmlinuz-P",
    initrd: "",
    arguments: commandLine,
    linux16: true,
  });
  await loader.bootOnce("lego-p");

  const boot = () => {
    const files = {
      read: (path: string) => {
        try {
          return readFileSync(join(root, path));
        } catch {
          return undefined;
        }
      },
      write: (path: string, contents: Uint8Array) => writeFileSync(join(root, path), contents),
    };
    const shell = new GrubShell(files, "/boot/grub2", () => {});
    shell.source("/boot/grub2/grub.cfg");
    const entry = shell.entries[chooseEntry(shell.entries, shell.variables.get("default") ?? "0")];
    shell.run(entry?.body ?? []);
    return { id: entry?.id, title: entry?.title, loaded: shell.loaded };
  };
  t.match(boot(), {
    id: "lego-p",
    title: "It's $LegoOS {",
    loaded: { protocol: "linux16", commandLine: `BOOT_IMAGE=/boot/vmlinuz-P ${commandLine}` },
  });
  t.match(await loader.menu(), { nextEntry: "", defaultEntry: "gnulinux-3.10.0" }, "the agent sees that the choice was used up");
  t.equal(boot().id, "gnulinux-3.10.0");
});
