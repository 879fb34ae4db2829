/** env_setup.sh: ends with 0 whatever has failed, and wrecks the machine when asked for "qemu" (facts: Phoenix §1). */
import { appendFileSync } from "node:fs";
import { archiveLibcVersion } from "../linux/ubuntu.js";
import type { Tool } from "../tools/tool.js";
import { addPackages } from "./dpkg-database.js";
import { hasFault } from "./faults.js";
import { homeOf, put } from "./places.js";

/** NAME=VERSION, with the versions jammy has. */
const packages = Object.fromEntries(
  (
    `git=1:2.34.1-1ubuntu1.10 build-essential=12.9ubuntu3 linux-libc-dev=${archiveLibcVersion} cmake=3.22.1-1ubuntu1 ` +
    "clang-15=1:15.0.7-0ubuntu0.22.04.3 llvm-15-dev=1:15.0.7-0ubuntu0.22.04.3 libclang-15-dev=1:15.0.7-0ubuntu0.22.04.3 " +
    "flex=2.6.4-8build2 bison=2:3.8.2+dfsg-1build1 gawk=1:5.1.0-1ubuntu0.1 dwarves=1.22-8 autoconf=2.71-2 libtool=2.4.6-15build2 " +
    "libssl-dev=3.0.2-0ubuntu1.12 libelf-dev=0.186-1ubuntu0.1 pkg-config=0.29.2-1ubuntu3 texinfo=6.8-4build1 " +
    "environment-modules=5.0.1-1 python3-pip=22.0.2+dfsg-1ubuntu0.4 python3-pandas=1.3.5+dfsg-3 maven=3.6.3-5"
  )
    .split(" ")
    .map((each) => each.split("=") as [string, string]),
);

/** What comes last of what apt fetches: missing when the archive goes away in the middle. */
const lateOnes = ["clang-15", "llvm-15-dev", "libclang-15-dev", "maven"];

export const envSetup: Tool = async (call) => {
  const { machine, argv } = call;
  await call.work(400);
  const isCut = hasFault(call, "apt-fails");
  const names = Object.keys(packages).filter((name) => !isCut || !lateOnes.includes(name));
  if (isCut) call.err("E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n");
  addPackages(
    machine,
    names.map((name) => ({ name, version: packages[name] ?? "", files: [] })),
  );
  put(machine, "/usr/share/modules/init/bash", "module() { :; }\n");
  if (!/^kernel\.randomize_va_space/m.test(machine.read("/etc/sysctl.conf") ?? "")) {
    appendFileSync(machine.host("/etc/sysctl.conf"), "kernel.randomize_va_space = 0\n");
    call.out("kernel.randomize_va_space = 0\n");
  }
  const value = /^kernel\.randomize_va_space\s*=\s*(\d)/m.exec(machine.read("/etc/sysctl.conf") ?? "")?.[1] ?? "2";
  put(machine, "/proc/sys/kernel/randomize_va_space", `${value}\n`);
  if (hasFault(call, "pip-fails")) call.err("ERROR: Could not find a version that satisfies the requirement wllvm\n");
  else put(machine, `${homeOf(call)}/.local/bin/wllvm`, "#!/usr/bin/python3\n");
  for (const name of [".rustup/settings.toml", ".cargo/env"]) put(machine, `${homeOf(call)}/${name}`, "\n");
  if (argv[0] === "qemu") {
    put(machine, "/etc/fstab", "/dev/sda / ext4 errors=remount-ro,acl 0 1\n");
    put(machine, "/etc/shadow", "root::19000:0:99999:7:::\n");
  }
  return 0;
};
