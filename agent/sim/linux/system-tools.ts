/** The kernel's half of the tools every Linux has: dmesg, uname, lsmod, reboot, poweroff. */
import type { ToolHandler, ToolHandlers } from "../kernel.js";
import { buildVersion } from "./boot-messages.js";
import { type LoadedModule, modulesFile } from "./pseudo-files.js";

export interface SystemToolsOptions {
  readonly node: string;
  readonly arch: string;
  readonly release: string;
  readonly dmesg: () => string;
  readonly modules: () => readonly LoadedModule[];
  /** Begins an orderly shutdown and returns at once. */
  readonly shutDown: (then: "reboot" | "power-off") => void;
}

export function systemTools(options: SystemToolsOptions): ToolHandlers {
  const succeed = (stdout: string) => Promise.resolve({ exitCode: 0, stdout });
  const shutDown =
    (then: "reboot" | "power-off"): ToolHandler =>
    () => {
      options.shutDown(then);
      return succeed("");
    };
  return {
    dmesg: () => succeed(options.dmesg()),
    uname: (request) => succeed(`${unameFields(options, request.argv).join(" ")}\n`),
    lsmod: () =>
      succeed(`Module                  Size  Used by\n${modulesFile(options.modules()).replace(/^(\S+) (\d+).*$/gm, lsmodLine)}`),
    reboot: shutDown("reboot"),
    poweroff: shutDown("power-off"),
  };
}

function lsmodLine(_line: string, name: string, size: string): string {
  return `${name.padEnd(19)} ${size.padStart(8)}  0`;
}

/** Fields in uname's own order, whatever the order of its options. */
function unameFields(machine: { node: string; arch: string; release: string }, argv: readonly string[]): string[] {
  const asked = argv.flatMap((each) => longOptions[each] ?? (each.startsWith("-") ? each.slice(1).split("") : []));
  const fields: readonly [letter: string, value: string][] = [
    ["s", "Linux"],
    ["n", machine.node],
    ["r", machine.release],
    ["v", buildVersion],
    ["m", machine.arch],
    ["p", machine.arch],
    ["i", machine.arch],
    ["o", "GNU/Linux"],
  ];
  const wanted = fields.filter(([letter]) => asked.includes("a") || asked.includes(letter)).map(([, value]) => value);
  return wanted.length > 0 ? wanted : ["Linux"];
}

const longOptions: Readonly<Record<string, string[]>> = {
  "--all": ["a"],
  "--kernel-name": ["s"],
  "--nodename": ["n"],
  "--kernel-release": ["r"],
  "--kernel-version": ["v"],
  "--machine": ["m"],
  "--operating-system": ["o"],
};
