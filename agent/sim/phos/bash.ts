/**
 * bash as far as PhOS's scripts and ours need it: a login shell reads the variables of /etc/profile, scripts of the stand-in tree are
 * known by a mark in their text, other scripts are lines of simple commands.
 */
import { buildScript } from "./build-script.js";
import { downloadAssets } from "./assets.js";
import { become } from "./process-tools.js";
import type { ContainerProcess, Program } from "./process.js";
import { scriptMark } from "./tree.js";

const scripts: Readonly<Record<string, Program>> = { build: buildScript, assets: downloadAssets };

export const bash: Program = async (call, process) => {
  const options = call.argv.filter(
    (word, index) => word.startsWith("-") && call.argv.slice(0, index).every((each) => each.startsWith("-")),
  );
  const rest = call.argv.slice(options.length);
  const letters = options.join("");
  if (letters.includes("l")) loadProfile(process);
  if (letters.includes("c")) return run(rest[0] ?? "", process);
  const [path, ...argv] = rest;
  const text = path === undefined ? undefined : call.machine.read(path);
  if (path === undefined) return 0;
  if (text === undefined) {
    call.err(`bash: ${path}: No such file or directory\n`);
    return 127;
  }
  const mark = scriptMark(text);
  const script = mark === undefined ? undefined : scripts[mark];
  return script === undefined ? run(text, process) : script({ ...call, argv }, process);
};

/** export NAME=VALUE, quotes taken off. */
function loadProfile(process: ContainerProcess): void {
  const text = process.call().machine.read("/etc/profile") ?? "";
  for (const [, name = "", value = ""] of text.matchAll(/^export (\w+)=(.*)$/gm))
    process.env[name] = expand(value.replace(/^"(.*)"$/, "$1"), process);
}

function expand(text: string, process: ContainerProcess): string {
  return text.replace(/\$(?:\{(\w+)\}|(\w+|\$))/g, (_, braced?: string, plain?: string) => {
    const name = braced ?? plain ?? "";
    return name === "$" ? String(process.pid) : (process.env[name] ?? "");
  });
}

async function run(text: string, process: ContainerProcess): Promise<number> {
  let exitCode = 0;
  for (const line of text.split(/\n|;|&&/)) {
    const command = line.trim();
    if (command === "" || command.startsWith("#")) continue;
    exitCode = await runCommand(command, process);
    if (exitCode !== 0) return exitCode;
  }
  return exitCode;
}

async function runCommand(command: string, process: ContainerProcess): Promise<number> {
  const { machine } = process.call();
  const output = />>?\s*(\S+)/.exec(command.replace(/2>&1/, ""))?.[1];
  const words = expand(command.replace(/2>&1|>>?\s*\S+|<\s*\S+/g, ""), process)
    .trim()
    .split(/\s+/);
  const isExec = words[0] === "exec";
  const argv = isExec ? words.slice(1) : words;
  if (argv[0] === "echo") {
    const text = `${argv.slice(1).join(" ")}\n`;
    if (output === undefined) process.write(text, "out");
    else process.engine.append(machine.host(output), text);
    return 0;
  }
  if (argv[0] === "cd") {
    process.cwd = machine.absolute(argv[1] ?? "/root");
    return 0;
  }
  if (!isExec) return process.child(argv);
  if (output !== undefined) {
    process.redirected.out = machine.absolute(output);
    if (/2>&1/.test(command)) process.redirected.err = process.redirected.out;
  }
  return become(argv, process);
}
