import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { linuxEntryId, seedLinuxRoot } from "../../../../../agent/sim/linux/seed-root.js";
import { chooseEntry } from "../../../../../agent/sim/machine/boot-loader.js";
import { directoryBootFiles } from "../../../../../agent/sim/machine/boot-files.js";
import { formatEnvironmentBlock, parseEnvironmentBlock } from "../../../../../agent/sim/machine/environment-block.js";
import { GrubShell } from "../../../../../agent/sim/machine/grub-shell.js";

const release = "3.11.1";
const installation = { node: "s0", release, consoleLine: "ttyS1", baudRate: 115200 };

/** What a machine with this disk would boot. */
function boot(rootDirectory: string): { shell: GrubShell; commandLine: string | undefined; printed: string } {
  let printed = "";
  const shell = new GrubShell(directoryBootFiles(rootDirectory), "/boot/grub2", (text) => {
    printed += text;
  });
  shell.source("/boot/grub2/grub.cfg");
  shell.run(shell.entries[chooseEntry(shell.entries, shell.variables.get("default") ?? "")]?.body ?? []);
  return { shell, commandLine: shell.loaded?.commandLine, printed };
}

t.test("a new disk boots its own Linux, without a complaint of the boot loader", async (t) => {
  const rootDirectory = t.testdir({});
  await seedLinuxRoot(rootDirectory, installation);
  const { shell, commandLine, printed } = boot(rootDirectory);
  t.equal(printed, "");
  t.equal(shell.variables.get("default"), linuxEntryId(release));
  t.equal(commandLine, "BOOT_IMAGE=/boot/vmlinuz-3.11.1 root=/dev/sda2 ro console=ttyS1,115200n8 systemd.hostname=s0");
});

t.test("an entry added in custom.cfg and chosen by next_entry boots once", async (t) => {
  const rootDirectory = t.testdir({});
  await seedLinuxRoot(rootDirectory, installation);
  const grubenv = join(rootDirectory, "boot/grub2/grubenv");
  const variables = parseEnvironmentBlock(readFileSync(grubenv)) ?? new Map<string, string>();
  writeFileSync(grubenv, formatEnvironmentBlock(variables.set("next_entry", "lego")));
  writeFileSync(
    join(rootDirectory, "boot/grub2/custom.cfg"),
    `menuentry 'Lego' --id lego {\n linux16 /boot/vmlinuz-${release} memmap=2G\\$4G\n}\n`,
  );
  t.equal(boot(rootDirectory).commandLine, "BOOT_IMAGE=/boot/vmlinuz-3.11.1 memmap=2G$4G");
  t.match(boot(rootDirectory).commandLine, "root=/dev/sda2");
});

t.test("a disk that is there already stays as it is", async (t) => {
  const rootDirectory = t.testdir({});
  await seedLinuxRoot(rootDirectory, installation);
  writeFileSync(join(rootDirectory, "etc/hostname"), "renamed\n");
  await seedLinuxRoot(rootDirectory, installation);
  t.equal(readFileSync(join(rootDirectory, "etc/hostname"), "utf8"), "renamed\n");
});
