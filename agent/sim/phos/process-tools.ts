/** Programs of a container that look at its processes and its mounts, or run others. */
import type { Tool } from "../tools/tool.js";
import { faultsOf } from "../tools/surroundings.js";
import { ContainerView } from "./container.js";
import type { ContainerProcess, Program } from "./process.js";

function matching({ argv }: { readonly argv: readonly string[] }, process: ContainerProcess): ContainerProcess[] {
  const pattern = argv.filter((word) => !word.startsWith("-")).pop() ?? "";
  const options = argv.filter((word) => /^-[a-z]+$/.test(word)).join("");
  const wanted = new RegExp(options.includes("x") ? `^(?:${pattern})$` : pattern);
  return process.engine
    .living(process.container)
    .filter((each) => each !== process && wanted.test(options.includes("f") ? each.argv.join(" ") : each.name.slice(0, 15)));
}

/** pgrep [-x] [-f] [-a] PATTERN */
const pgrep: Program = (call, process) => {
  const found = matching(call, process);
  const shows = call.argv.some((word) => /^-[a-z]*a/.test(word));
  for (const each of found) call.out(shows ? `${each.pid} ${each.argv.join(" ")}\n` : `${each.pid}\n`);
  return found.length > 0 ? 0 : 1;
};

/** pkill [-SIGNAL] [-x] [-f] PATTERN */
const pkill: Program = (call, process) => {
  const found = matching(call, process);
  for (const each of found) each.kill(signalIn(call.argv));
  return found.length > 0 ? 0 : 1;
};

function signalIn(argv: readonly string[]): string {
  const word = argv.find((each) => /^-[A-Z0-9]+$/.test(each))?.slice(1) ?? "TERM";
  const name = { "9": "KILL", "15": "TERM", "2": "INT" }[word] ?? word;
  return name.startsWith("SIG") ? name : `SIG${name}`;
}

/** kill [-SIGNAL] PID… */
const kill: Program = (call, process) => {
  let exitCode = 0;
  for (const pid of call.argv.filter((word) => /^\d+$/.test(word))) {
    const target = process.engine.living(process.container).find((each) => String(each.pid) === pid);
    if (target?.kill(signalIn(call.argv)) === true) continue;
    call.err(`kill: (${pid}): No such process\n`);
    exitCode = 1;
  }
  return exitCode;
};

/** ps [-o stat=] [-p PID] */
const ps: Program = (call, process) => {
  const pid = call.argv.includes("-p") ? call.argv[call.argv.indexOf("-p") + 1] : undefined;
  const found = process.engine.living(process.container).filter((each) => pid === undefined || String(each.pid) === pid);
  for (const each of found) call.out(call.argv.includes("stat=") ? "Sl\n" : `${each.pid} ${each.argv.join(" ")}\n`);
  return found.length > 0 ? 0 : 1;
};

/** timeout [-k SECONDS] SECONDS COMMAND…: 124 when it had to end it, 137 when it had to kill it. */
const timeout: Program = async (call, process) => {
  const argv = call.argv[0] === "-k" ? call.argv.slice(2) : call.argv;
  const graceS = call.argv[0] === "-k" ? Number(call.argv[1]) : undefined;
  const [limit = "0", ...command] = argv;
  if (process.engine.program(command[0] ?? "") === undefined) {
    call.err(`timeout: failed to run command '${command[0] ?? ""}': No such file or directory\n`);
    return 127;
  }
  const child = process.engine.spawn(process.container, { argv: command, cwd: process.cwd, env: process.env, parent: process });
  call.onSignal("SIGTERM", () => void child.kill("SIGTERM"));
  const isLate = await process.until(
    Promise.race([child.ended.then(() => false), process.engine.after(Number(limit) * 1000).then(() => true)]),
  );
  if (!isLate) return child.exitCode ?? 0;
  child.kill("SIGTERM");
  if (child.isOver || graceS === undefined) return 124;
  await process.work(graceS * 1000);
  return child.kill("SIGKILL") ? 137 : 124;
};

/** stdbuf -oL COMMAND…: nothing is held back here anyway. */
const stdbuf: Program = (call, process) =>
  become(
    call.argv.filter((word) => !/^-[ioe]/.test(word)),
    process,
  );

/** env [NAME=VALUE…] COMMAND… */
const env: Program = (call, process) => {
  const first = call.argv.findIndex((word) => !/^\w+=/.test(word));
  for (const word of call.argv.slice(0, first < 0 ? undefined : first)) {
    const equals = word.indexOf("=");
    process.env[word.slice(0, equals)] = word.slice(equals + 1);
  }
  return become(first < 0 ? [] : call.argv.slice(first), process);
};

export function become(argv: readonly string[], process: ContainerProcess): Promise<number> | number {
  const [name = ""] = argv;
  const program = process.engine.program(name);
  if (program !== undefined) return process.exec(argv, program);
  process.write(`${name}: command not found\n`, "err");
  return 127;
}

const sleep: Program = async (call, process) => {
  if (call.argv[0] === "infinity") return process.forever();
  await process.work(Number(call.argv[0] ?? "0") * 1000);
  return 0;
};

/** Run by `find -exec` as well. */
export const umount: Tool = (call) => {
  const [target = ""] = call.argv.filter((word) => !word.startsWith("-"));
  const { machine } = call;
  const isBusy = faultsOf(call).has("unmount-busy");
  if (!isBusy && machine instanceof ContainerView && machine.container.unmount(machine.absolute(target))) return 0;
  call.err(`umount: ${target}: ${isBusy ? "target is busy" : "not mounted"}.\n`);
  return 32;
};

/** findmnt -rn -t tmpfs -o TARGET */
const findmnt: Program = (call, process) => {
  const targets = process.container.mounts.filter(({ kind }) => kind === "tmpfs").map(({ target }) => target);
  for (const target of ["/dev", "/dev/shm", ...targets]) call.out(`${target}\n`);
  return 0;
};

export const processTools: Readonly<Record<string, Program>> = {
  pgrep,
  pkill,
  kill,
  ps,
  timeout,
  stdbuf,
  env,
  sleep,
  findmnt,
};
