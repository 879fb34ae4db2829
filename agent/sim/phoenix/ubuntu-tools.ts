/** Small tools of an Ubuntu machine, as far as somebody asks them. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Tool, ToolCall } from "../tools/tool.js";
import { findPackage } from "./dpkg-database.js";
import { hasFault } from "./faults.js";

const mokutil: Tool = (call) => {
  call.out(hasFault(call, "secure-boot") ? "SecureBoot enabled\n" : "SecureBoot disabled\n");
  return 0;
};

const findmnt: Tool = (call) => {
  call.out(hasFault(call, "boot-on-lvm") ? "/dev/mapper/ubuntu--vg-ubuntu--lv ext4\n" : "/dev/sda2 ext4\n");
  return 0;
};

const kibibytesOf = { whole: 480 * 2 ** 20, free: 410 * 2 ** 20, little: 60 * 2 ** 20 };

/** df -Pk PATH… */
const df: Tool = (call) => {
  const free = hasFault(call, "small-disk") ? kibibytesOf.little : kibibytesOf.free;
  call.out("Filesystem     1024-blocks      Used Available Capacity Mounted on\n");
  for (const _ of call.argv.filter((word) => !word.startsWith("-")))
    call.out(`/dev/sda2        ${kibibytesOf.whole} ${kibibytesOf.whole - free} ${free}      15% /\n`);
  return 0;
};

/** sudo [-n] id -u */
const sudo: Tool = (call) => {
  if (!hasFault(call, "sudo-asks")) {
    if (call.argv.includes("id")) call.out("0\n");
    return 0;
  }
  call.err("sudo: a password is required\n");
  return 1;
};

/** sysctl -w NAME=VALUE */
const sysctl: Tool = (call) => {
  const [name = "", value = ""] = (call.argv.find((word) => word.includes("=")) ?? "").split("=");
  const path = `/proc/sys/${name.replaceAll(".", "/")}`;
  if (!call.machine.exists(path)) {
    call.err(`sysctl: cannot stat ${path}: No such file or directory\n`);
    return 255;
  }
  writeFileSync(call.machine.host(path), `${value}\n`);
  call.out(`${name} = ${value}\n`);
  return 0;
};

const clang: Tool = (call) => {
  if (findPackage(call.machine, "clang-15") === undefined) {
    call.err("clang-15: command not found\n");
    return 127;
  }
  call.out("Ubuntu clang version 15.0.7\nTarget: x86_64-pc-linux-gnu\n");
  return 0;
};

const modulesInit = "/usr/share/modules/init/bash";

/** bash -c "source /usr/share/modules/init/bash && module use DIRECTORY && module avail", and nothing else. */
const bash: Tool = (call) => {
  const directory = /module use (\S+)/.exec(call.argv[1] ?? "")?.[1];
  if (call.argv[0] !== "-c" || directory === undefined) {
    call.err("bash: this simulation runs no scripts\n");
    return 126;
  }
  if (!call.machine.exists(modulesInit)) {
    call.err(`bash: line 1: ${modulesInit}: No such file or directory\n`);
    return 1;
  }
  call.err(`${"-".repeat(20)} ${directory} ${"-".repeat(20)}\n${moduleNames(call, directory).join("  ")}  \n\nKey:\nmodulepath  \n`);
  return 0;
};

export function moduleNames(call: ToolCall, directory: string): string[] {
  if (!call.machine.exists(directory)) return [];
  return readdirSync(call.machine.host(directory), { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory()
        ? readdirSync(join(call.machine.host(directory), entry.name)).map((name) => `${entry.name}/${name}`)
        : [entry.name],
    )
    .sort();
}

const stty: Tool = (call) => {
  call.err("stty: standard input: Inappropriate ioctl for device\n");
  return 1;
};

export const ubuntuTools: Readonly<Record<string, Tool>> = { mokutil, findmnt, df, sudo, sysctl, "clang-15": clang, bash, stty };
