/** update-grub, grub-set-default and grub-editenv of Ubuntu. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { ubuntuGrubConfig } from "../linux/ubuntu-grub.js";
import { formatEnvironmentBlock, parseEnvironmentBlock } from "../machine/environment-block.js";
import type { MachineView } from "../tools/machine-view.js";
import type { Tool } from "../tools/tool.js";

const environmentPath = "/boot/grub/grubenv";

export const updateGrub: Tool = async (call) => {
  call.err("Sourcing file `/etc/default/grub'\n");
  await call.work(200);
  const releases = updateGrubFiles(call.machine);
  call.err(
    `Generating grub configuration file ...\n${releases.map((each) => `Found linux image: /boot/vmlinuz-${each}\n`).join("")}done\n`,
  );
  return 0;
};

/** Writes grub.cfg anew from what is in /boot and in /etc/default/grub; returns the kernels found. */
export function updateGrubFiles(machine: MachineView): readonly string[] {
  const releases = namesIn(machine, "/boot").flatMap((name) => /^vmlinuz-(.*)$/.exec(name)?.[1] ?? []);
  const settings = readSettings(machine);
  const config = ubuntuGrubConfig({
    releases,
    uuid: /^UUID=(\S+) \/ /m.exec(machine.read("/etc/fstab") ?? "")?.[1] ?? "",
    defaultEntry: settings.get("GRUB_DEFAULT") ?? "0",
    timeout: settings.get("GRUB_TIMEOUT") ?? "5",
    commandLine: settings.get("GRUB_CMDLINE_LINUX") ?? "",
  });
  writeFileSync(machine.host("/boot/grub/grub.cfg"), config);
  return releases;
}

/** /etc/default/grub, then what stands beside it, in the order of names: the last assignment counts. */
function readSettings(machine: MachineView): ReadonlyMap<string, string> {
  const beside = namesIn(machine, "/etc/default/grub.d").filter((name) => name.endsWith(".cfg"));
  const files = ["/etc/default/grub", ...beside.sort().map((name) => `/etc/default/grub.d/${name}`)];
  const settings = new Map<string, string>();
  for (const file of files) {
    for (const [, name = "", value = ""] of (machine.read(file) ?? "").matchAll(/^(\w+)=(.*)$/gm))
      settings.set(name, value.replace(/^(["'])(.*)\1$/, "$2"));
  }
  return settings;
}

function namesIn(machine: MachineView, directory: string): string[] {
  return machine.exists(directory) ? readdirSync(machine.host(directory)) : [];
}

function changeEnvironment(machine: MachineView, change: (variables: Map<string, string>) => void): void {
  const host = machine.host(environmentPath);
  const variables = parseEnvironmentBlock(readFileSync(host)) ?? new Map<string, string>();
  change(variables);
  writeFileSync(host, formatEnvironmentBlock(variables));
}

/** grub-set-default ENTRY: counts only where GRUB_DEFAULT=saved. */
export const grubSetDefault: Tool = ({ argv, machine }) => {
  changeEnvironment(machine, (variables) => void variables.set("saved_entry", argv[0] ?? ""));
  return 0;
};

/** grub-editenv FILE list | set NAME=VALUE… | unset NAME… */
export const grubEditenv: Tool = (call) => {
  const [, command, ...words] = call.argv;
  changeEnvironment(call.machine, (variables) => {
    if (command === "list") for (const [name, value] of variables) call.out(`${name}=${value}\n`);
    if (command === "set") for (const word of words) variables.set(word.split("=")[0] ?? "", word.slice(word.indexOf("=") + 1));
    if (command === "unset") for (const word of words) variables.delete(word);
  });
  return 0;
};
