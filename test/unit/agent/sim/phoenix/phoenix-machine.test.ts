/** What Phoenix's scripts and Ubuntu's tools do on a simulated machine, traps included (facts: Phoenix §1–§3). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { seedLinuxRoot } from "../../../../../agent/sim/linux/seed-root.js";
import { byVersion } from "../../../../../agent/sim/linux/ubuntu-grub.js";
import type { PhoenixFault } from "../../../../../agent/sim/phoenix/faults.js";
import { phoenix } from "../../../../../agent/sim/phoenix/system.js";
import { toolsOf } from "../../../../../agent/sim/systems.js";
import { MachineView } from "../../../../../agent/sim/tools/machine-view.js";
import { nodeParameters } from "../../../../../agent/sim/node-parameters.js";
import { systemClock } from "../../../../../proto/base/clock.js";

const old = "5.15.0-91-generic";

async function machine(t: Test, ...faults: PhoenixFault[]) {
  const root = t.testdir({});
  await seedLinuxRoot(root, { distribution: "ubuntu", node: "x0", release: old, consoleLine: "ttyS1", baudRate: 115200 });
  const [parameters] = nodeParameters([{ name: "x0", sim: { system: "phoenix" } }], { lego: [], hexo: [], phoenix: [], phos: [] });
  if (parameters !== undefined) await phoenix.furnish(root, { spec: {} as never, parameters });
  let release = old;
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("/proc/sys/kernel/randomize_va_space", "2\n");
  const run = async (line: string, cwd = "/root/phoenix") => {
    const said = { stdout: "", stderr: "" };
    const [name = "", ...argv] = line.split(" ");
    const exitCode = await toolsOf("phoenix")[name.replace(/^\.\//, "")]?.({
      argv,
      machine: new MachineView({ rootDirectory: root, cwd, ask: async () => ({ exitCode: 0, stdout: `${release}\n` }) }),
      env: { HOME: "/root", MODULEPATH: "/root/phoenix/modulefiles", LABD_SIM_FAULTS: faults.join(",") },
      now: () => systemClock.now(),
      work: async () => {},
      stdin: async () => "",
      onSignal: () => {},
      out: (text) => void (said.stdout += text),
      err: (text) => void (said.stderr += text),
    });
    return { exitCode, ...said };
  };
  return {
    run,
    write,
    boot: (next: string) => void (release = next),
    exists: (path: string) => existsSync(join(root, path)),
    read: (path: string) => readFileSync(join(root, path), "utf8"),
    clone: () => run("git clone --recurse-submodules --branch sosp25 https://github.com/OrderLab/phoenix.git phoenix", "/root"),
  };
}

t.test("env_setup.sh ends with 0 whatever has failed", async (t) => {
  const { run, clone, read } = await machine(t, "apt-fails", "pip-fails");
  await clone();
  t.match(await run("./env_setup.sh"), { exitCode: 0, stderr: /Unable to fetch some archives/ });
  t.match(await run("clang-15 --version"), { exitCode: 127 });
  t.match(await run("dpkg -s git clang-15"), { exitCode: 1, stdout: /Package: git/, stderr: /'clang-15' is not installed/ });
  t.match(read("/etc/sysctl.conf"), /^kernel\.randomize_va_space = 0$/m);
  await run("./env_setup.sh");
  t.equal(read("/etc/sysctl.conf").match(/randomize_va_space/g)?.length, 1, "the line is appended once");
});

t.test("the argument qemu wrecks the machine", async (t) => {
  const { run, clone, read } = await machine(t);
  await clone();
  const fstab = read("/etc/fstab");
  await run("./env_setup.sh");
  t.equal(read("/etc/fstab"), fstab);
  t.match(await run("./env_setup.sh qemu"), { exitCode: 0 });
  t.match(read("/etc/fstab"), /^\/dev\/sda \/ ext4/);
  t.match(read("/etc/shadow"), /^root::/, "root has no password");
});

t.test("a clone without its submodules, into something, of the older branch", async (t) => {
  const { run, exists } = await machine(t);
  await run("git clone https://github.com/OrderLab/phoenix.git phoenix", "/root");
  t.match((await run("git submodule status")).stdout, /^-\w+ kernel$/m);
  t.match(await run("git clone x phoenix", "/root"), { exitCode: 128, stderr: /already exists and is not an empty directory/ });
  await run("git clone --recurse-submodules --branch master x older", "/root");
  t.notOk(exists("/root/older/experiments/redis/runphx.sh"));
  t.match(await run("git submodule status", "/root"), { exitCode: 128 });
});

t.test("packages are numbered by build, and the new kernel becomes the default when it is installed", async (t) => {
  const { run, clone, exists, read } = await machine(t);
  await clone();
  await run("./env_setup.sh");
  for (const _ of "123") t.match(await run("./build_kernel.sh"), { exitCode: 0 });
  t.ok(exists("/root/phoenix/linux-image-5.15.94+_5.15.94+-3_amd64.deb"));
  t.match(await run("dpkg -i linux-image-5.15.94+_5.15.94+-3_amd64.deb linux-libc-dev_5.15.94+-3_amd64.deb"), { exitCode: 0 });
  t.match(
    read("/boot/grub/grub.cfg"),
    /menuentry 'Ubuntu' [^]*?linux\t\/boot\/vmlinuz-5\.15\.94\+ /,
    "the first entry is the newest kernel's",
  );
  t.match(await run("apt-get install -y --reinstall linux-libc-dev"), { exitCode: 0, stdout: /is not possible, it cannot be downloaded/ });
  t.match(await run("dpkg -r linux-libc-dev"), { exitCode: 1, stderr: /libc6-dev:amd64 depends on linux-libc-dev/ });
  t.match(await run("dpkg --purge --force-depends linux-image-5.15.94+ linux-libc-dev"), { exitCode: 0 });
  t.notMatch(read("/boot/grub/grub.cfg"), /5\.15\.94/);
  await run("apt-get install -y --reinstall linux-libc-dev");
  t.match((await run("dpkg -s linux-libc-dev")).stdout, /Version: 5\.15\.0-91\.101/);
});

t.test("the kernel that runs is not removed", async (t) => {
  const { run, clone, boot } = await machine(t);
  await clone();
  await run("./env_setup.sh");
  await run("./build_kernel.sh");
  await run("dpkg -i linux-image-5.15.94+_5.15.94+-1_amd64.deb");
  boot("5.15.94+");
  t.match(await run("dpkg --purge --force-depends linux-image-5.15.94+"), { exitCode: 1, stderr: /Removing the running kernel/ });
});

t.test("build_runtime.sh swallows what fails before its last part; makesysroot.sh makes links to nothing", async (t) => {
  const { run, clone } = await machine(t, "userlib-fails");
  await clone();
  t.match(await run("./build_runtime.sh"), { exitCode: 0, stdout: /Compile userlib failed!/ });
  t.match(await run("./makesysroot.sh"), { exitCode: 0 });
  t.match(await run("sha256sum /root/sysroot/lib/libc.so.6 /root/sysroot/lib/libphx.so"), {
    exitCode: 1,
    stderr: /libphx\.so: No such file/,
  });
  t.match(await (await machine(t)).run("./build_kernel.sh"), { exitCode: 127 }, "there is no script before the clone");
});

async function built(t: Test, ...faults: PhoenixFault[]) {
  const made = await machine(t, ...faults);
  await made.clone();
  await made.run("./env_setup.sh");
  made.boot("5.15.94+");
  for (const name of ["./build_runtime.sh", "./makesysroot.sh"]) await made.run(name);
  await made.run("./build_all.sh", "/root/phoenix/tools");
  await made.run("./build_all.sh", "/root/phoenix/apps");
  return made;
}

const experiments = "/root/phoenix/experiments/redis";

t.test("exit codes of experiments are inverted or mean nothing, and every redis is killed by name", async (t) => {
  const { run, write, exists } = await built(t);
  write("/proc/4242/comm", "redis-server\n");
  for (const [mode, exitCode] of [
    ["vanilla", 1],
    ["builtin", 1],
    ["phx", 1],
    ["criu", 0],
  ] as const)
    t.equal((await run(`./run${mode}.sh 761 1 -g=a -k=60`, experiments)).exitCode, exitCode, mode);
  t.notOk(exists("/proc/4242"), "also of somebody else");
  t.match((await run("./report.sh result-761-a/", experiments)).stdout, /^phx\t {5}1 +0\.08 +\d+\.\d{3}% +\d+\.\d$/m);
  t.match((await run("./report.sh result-761-b/", experiments)).stdout, /^phx\t +N\/A +N\/A +N\/A +N\/A$/m);
  t.match(await run("./runphx.sh 761 1 -g a", experiments), { exitCode: 1, stdout: /^Usage/ });
  const left = await built(t, "redis-left-running");
  t.equal((await left.run("./runphx.sh 761 1", experiments)).exitCode, 0, "phx ends with 0 when redis still runs");
  t.equal((await left.run("./runvanilla.sh 761 1", experiments)).exitCode, 1);
});

t.test("a CRIU that fails, a fault that never comes, a runtime of the old kernel", async (t) => {
  const broken = await built(t, "criu-restore-fails");
  await broken.run("./runcriu.sh 761 1", experiments);
  t.match(broken.read(`${experiments}/result-761/criu-1-server.log`), /CRIU Restore Failed!!![^]*Restore finish time/);
  await broken.run("./runphx.sh 12290 1", experiments);
  t.notMatch(broken.read(`${experiments}/result-12290/phx-1-server.log`), /FAULT/);
  const early = await machine(t);
  await early.clone();
  await early.run("./env_setup.sh");
  for (const name of ["./build_runtime.sh", "./makesysroot.sh"]) await early.run(name);
  early.boot("5.15.94+");
  await early.run("./build_all.sh", "/root/phoenix/tools");
  await early.run("./build_all.sh", "/root/phoenix/apps");
  await early.run("./runphx.sh 761 1", experiments);
  const log = early.read(`${experiments}/result-761/phx-1-server.log`);
  t.notMatch(log.slice(log.indexOf("FAULT")), /NEWREQ/);
});

t.test("versions are compared number by number", async (t) => {
  t.same(["5.15.94+", "5.15.0-91-generic", "5.15.0-100-generic", "5.4.0-1"].sort(byVersion), [
    "5.4.0-1",
    "5.15.0-91-generic",
    "5.15.0-100-generic",
    "5.15.94+",
  ]);
});

t.test("find and grep are what the recipe knows of them", async (t) => {
  const { run, write } = await machine(t);
  write("/root/a/old.deb", "");
  write("/root/mark", "");
  await new Promise((resolve) => systemClock.after(20, () => resolve(undefined)));
  write("/root/a/new.deb", "");
  t.equal((await run("find a -maxdepth 1 -name *.deb -newer mark", "/root")).stdout, "a/new.deb\n");
  t.match(await run("find a gone -maxdepth 0", "/root"), { exitCode: 1, stdout: "a\n" });
  write("/root/log", "12 sec: 9; [READ: Count=5, x] [READ-FAILED: Count=8]\n");
  t.equal((await run("grep -oE [0-9]+|READ:.Count=[0-9]+ log", "/root")).stdout, "12\n9\nREAD: Count=5\n8\n");
  t.match(await run("grep -w sec log", "/root"), { exitCode: 0 });
  t.match(await run("grep -w se log", "/root"), { exitCode: 1 });
});
