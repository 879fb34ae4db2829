import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { machine } from "node:os";
import t, { type Test } from "tap";
import { parseDf } from "../../../../agent/host/facts/disk-usage.js";
import { HostMachine } from "../../../../agent/host/facts/machine.js";
import { parseMounts } from "../../../../agent/host/facts/proc.js";
import { RootDirectory } from "../../../../agent/host/root-directory.js";
import { scratchDirectory } from "../../../support/host/scratch.js";

async function machineWith(t: Test, contents: Readonly<Record<string, string>>, rebootArgv: readonly string[] = ["reboot"]) {
  const root = await scratchDirectory(t);
  for (const [path, text] of Object.entries(contents)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return { root, machine: new HostMachine({ root: new RootDirectory(root), rebootArgv }) };
}

const storageNode = {
  "proc/sys/kernel/ostype": "Linux\n",
  "proc/sys/kernel/osrelease": "3.11.1\n",
  "proc/sys/kernel/hostname": "s0\n",
  "proc/sys/kernel/random/boot_id": "0b5d2f8e-6d7a-4c3b-9b1e-3c3f4d5e6f70\n",
  "proc/uptime": "7203.41 80021.07\n",
  "proc/cpuinfo": "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz\n\nprocessor\t: 1\nmodel name\t: Intel\n",
  "proc/meminfo":
    "MemTotal:       8000000 kB\nMemFree:        1000000 kB\nBuffers:          20000 kB\nCached:          300000 kB\nSwapCached: 7 kB\n",
  "proc/modules": "mlx4_ib 154454 0 - Live 0x0\nfit 40960 1 storage, Live 0x0 (O)\n",
  "proc/mounts": "rootfs / rootfs rw 0 0\n/dev/sda1 /boot xfs rw 0 0\nproc /proc proc rw 0 0\n",
  "proc/cmdline": "BOOT_IMAGE=/vmlinuz-3.11.1 ro\n",
  "etc/os-release": 'NAME="CentOS Linux"\nPRETTY_NAME="CentOS Linux 7 (Core)"\n',
  "boot/vmlinuz": "",
};

t.test("a machine tells its facts, an old kernel's included", async (t) => {
  const { machine: storage } = await machineWith(t, storageNode);
  const facts = await storage.facts();
  t.match(facts, {
    kernel: "Linux",
    kernelRelease: "3.11.1",
    arch: machine(),
    hostname: "s0",
    bootId: "0b5d2f8e-6d7a-4c3b-9b1e-3c3f4d5e6f70",
    uptimeS: 7203.41,
    cpuCount: 2,
    cpuModel: "Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz",
    memoryBytes: 8_192_000_000,
    memoryAvailableBytes: 1_320_000 * 1024,
    modules: ["fit", "mlx4_ib"],
    commandLine: "BOOT_IMAGE=/vmlinuz-3.11.1 ro",
    osRelease: "CentOS Linux 7 (Core)",
  });
  t.same(
    facts.disks.map((disk) => disk.mount),
    ["/", "/boot"],
  );
  t.ok(facts.disks.every((disk) => disk.sizeBytes > 0 && disk.freeBytes <= disk.sizeBytes));
});

t.test("facts that are missing hide no others", async (t) => {
  const { machine: bare } = await machineWith(t, { "proc/sys/kernel/arch": "aarch64\n" });
  t.match(await bare.facts(), { kernel: "", arch: "aarch64", cpuCount: 0, memoryBytes: 0, disks: [], modules: [], uptimeS: 0 });
});

t.test("this very machine has facts", async (t) => {
  const facts = await new HostMachine({ root: new RootDirectory("/"), rebootArgv: ["false"] }).facts();
  t.match(facts, { kernel: "Linux", kernelRelease: /^\d/, bootId: /^[0-9a-f-]{36}$/ });
  t.ok(facts.cpuCount > 0 && facts.memoryBytes > 0);
  t.ok(facts.disks.some((disk) => disk.mount === "/"));
});

t.test("reboot asks the program for it and gives the boot id before", async (t) => {
  const marker = join(await scratchDirectory(t), "asked");
  const { machine: willing } = await machineWith(t, storageNode, ["/bin/sh", "-c", `echo yes > ${marker}`]);
  t.same(await willing.reboot(), { oldBootId: "0b5d2f8e-6d7a-4c3b-9b1e-3c3f4d5e6f70" });
  t.equal(await readFile(marker, "utf8"), "yes\n");
  const { machine: unwilling } = await machineWith(t, storageNode, ["/bin/sh", "-c", "echo 'Operation inhibited' >&2; exit 1"]);
  await t.rejects(unwilling.reboot(), { code: "failed", message: "reboot: /bin/sh refused: Operation inhibited" });
});

t.test("df is read whatever the device is called, mounts whatever blanks they hold", async (t) => {
  const output =
    "Filesystem 1024-blocks Used Available Capacity Mounted on\n//nas/a b 100 40 60 40% /mnt\nnone 0 0 0 - /x\noverfull 10 12 -2 120% /y\n";
  t.same(parseDf(output), [
    { sizeBytes: 102_400, freeBytes: 61_440 },
    { sizeBytes: 0, freeBytes: 0 },
    { sizeBytes: 10_240, freeBytes: 0 },
  ]);
  t.same(parseMounts("/dev/sdb1 /mnt/my\\040disk ext4 rw 0 0\n/dev/loop0 /snap squashfs ro 0 0\ntmpfs /run tmpfs rw 0 0\n"), [
    "/mnt/my disk",
  ]);
});
