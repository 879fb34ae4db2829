/** What files and tools of the node say before anything is changed, judged (facts: Phoenix, Needs; §3 preconditions). */
import type { CommandOutcome, FactsSeen, FileSeen, Verdict } from "../../deploy/recipe.js";
import { phoenixRelease } from "./design.js";
import { endOf, failed, lastWords, linesOf } from "./verdict.js";

const gibibyte = 2 ** 30;
const gigabyte = 1e9;
/** Advised: more than 30 threads, 2 GB for each; the load of an experiment is 6 to 10 GB. */
const advised = { threads: 31, bytesPerThread: 2 * gigabyte } as const;
const neededDiskBytes = 100 * gigabyte;
export const neededMemoryBytes = 12 * gigabyte;

/** /etc/os-release */
export function judgeUbuntu(file: FileSeen | undefined): Verdict {
  const value = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, "m").exec(file?.text ?? "")?.[1] ?? "";
  const [id, version] = [value("ID"), value("VERSION_ID")];
  if (id === "ubuntu" && version === "22.04") return { ok: true, lines: [value("PRETTY_NAME")] };
  const found = id === "" ? "no /etc/os-release" : `${id} ${version}`;
  return failed(`${found}; the scripts install packages of Ubuntu 22.04 and nothing else`);
}

/** `mokutil --sb-state`; without EFI there is no Secure Boot. */
export function judgeSecureBoot({ stdout, stderr }: CommandOutcome): Verdict {
  const said = linesOf(`${stdout}\n${stderr}`);
  const off = said.find((line) => /SecureBoot disabled|EFI variables are not supported/i.test(line));
  if (off !== undefined) return { ok: true, lines: [off] };
  if (said.some((line) => /SecureBoot enabled/i.test(line)))
    return failed("Secure Boot is on and the Phoenix kernel is not signed: switch it off in the firmware", said);
  return failed("mokutil does not say whether Secure Boot is off", said);
}

/** Kernel, memory, console. `console`: the serial line it must speak on. */
export function judgeMachine(facts: FactsSeen, console: string | undefined): Verdict {
  const { kernel, arch, kernelRelease, bootId, cpuCount, memoryBytes, commandLine } = facts;
  const wrong: string[] = [];
  if (kernel !== "Linux") wrong.push(`${kernel} runs, not Linux`);
  if (arch !== "x86_64") wrong.push(`it is ${arch}; Phoenix's kernel is for x86_64 only`);
  if (memoryBytes < neededMemoryBytes)
    wrong.push(`${inGibibytes(memoryBytes)} of memory; an experiment loads 6 to 10 GB into redis and needs 12 GB`);
  if (console !== undefined && !new RegExp(`(?:^| )console=${console}(?:,|$| )`).test(commandLine))
    wrong.push(
      `the kernel does not speak on ${console} (no console=${console} on its command line), so a panic of the new one would not show: ` +
        "add it to GRUB_CMDLINE_LINUX, run update-grub, reboot",
    );
  if (wrong.length > 0) return failed(wrong.join("; "));
  return {
    ok: true,
    lines: [`Linux ${kernelRelease}, ${cpuCount} threads, ${inGibibytes(memoryBytes)}, boot ${bootId}`, ...advice(facts)],
    outputs: { kernelRelease, bootId, cpuCount },
  };
}

/** `df -Pk HOME`. `resuming`: what is missing may be what an earlier deployment has filled already. */
export function judgeDisk({ stdout }: CommandOutcome, resuming: boolean): Verdict {
  const line = linesOf(stdout).at(-1) ?? "";
  const [, free = "", mount = ""] = /\s\d+\s+-?\d+\s+(-?\d+)\s+(?:\d+%|-)\s+(\/.*)$/.exec(line) ?? [];
  if (free === "") return failed("df does not say how much is free", linesOf(stdout));
  const freeBytes = Number(free) * 1024;
  if (freeBytes >= neededDiskBytes || resuming) return { ok: true, lines: [`${inGibibytes(freeBytes)} free at ${mount}`] };
  return failed(`${inGibibytes(freeBytes)} free at ${mount}; source, builds and sysroot take 100 GB`, [line]);
}

/** What may be less than advised, and what comes of it. */
function advice({ cpuCount, memoryBytes }: FactsSeen): string[] {
  const said: string[] = [];
  if (cpuCount < advised.threads) said.push(`advised: more than 30 threads, here ${cpuCount}: the builds take longer (kernelWithinMin)`);
  if (memoryBytes < cpuCount * advised.bytesPerThread)
    said.push(
      `advised: 2 GB of memory for each of ${cpuCount} threads, here ${inGibibytes(memoryBytes)}: set jobs to ${Math.max(1, Math.floor(memoryBytes / advised.bytesPerThread))}`,
    );
  return said;
}

function inGibibytes(bytes: number): string {
  return `${Math.floor(bytes / gibibyte)} GiB`;
}

/** `find TREE SYSROOT MARKER -maxdepth 0`: names those that are there. Puts out whether a deployment of ours goes on. */
export function judgePaths({ stdout }: CommandOutcome, paths: { tree: string; sysroot: string; marker: string }): Verdict {
  const there = linesOf(stdout);
  const resuming = there.includes(paths.marker);
  const foreign = [paths.tree, paths.sysroot].filter((path) => there.includes(path));
  if (foreign.length > 0 && !resuming)
    return failed(
      `${foreign.join(" and ")} ${foreign.length > 1 ? "are" : "is"} there, not made by labd from this repository and branch: move it away`,
    );
  return { ok: true, lines: resuming ? [`${paths.marker}: goes on where a deployment of this source was`] : [], outputs: { resuming } };
}

/** `findmnt` of GRUB's directory: where GRUB cannot write, the choice for one boot would stay for every boot. */
export function judgeGrubDisk({ stdout }: CommandOutcome): Verdict {
  const [source = "", type = ""] = (linesOf(stdout)[0] ?? "").trim().split(/\s+/);
  if (/^\/dev\/(mapper|md|dm-)/.test(source) || /^(btrfs|zfs|f2fs)$/.test(type))
    return failed(
      `GRUB's environment is on ${source} (${type}), which GRUB can only read: the new kernel would be chosen for ever, not once; ` +
        "put /boot on a plain partition",
    );
  return type === "" ? failed("findmnt does not say what /boot/grub is on") : { ok: true, lines: [`/boot/grub on ${source} (${type})`] };
}

/** `pgrep -l redis`: the experiments kill every redis by name. */
export function judgeNoRedis({ stdout }: CommandOutcome): Verdict {
  const running = linesOf(stdout);
  if (running.length === 0) return { ok: true, lines: ["no process named redis"] };
  return failed(
    `redis runs here (${running.join(", ")}); the experiments kill every redis by name: stop it, or take another node`,
    running,
  );
}

/** After a run everything must be gone: what is left answers the next run's load. */
export function judgeRedisGone({ stdout }: CommandOutcome): Verdict {
  const running = linesOf(stdout);
  if (running.length === 0) return { ok: true, lines: ["no process named redis"] };
  return { ok: false, reason: `redis still runs: ${running.join(", ")}`, lines: running };
}

/** /proc/sys/kernel/randomize_va_space; puts it out as `aslr`. */
export function judgeAslr({ stdout }: CommandOutcome): Verdict {
  const value = stdout.trim();
  return /^[012]$/.test(value)
    ? { ok: true, lines: [`randomize_va_space is ${value}`], outputs: { aslr: value } }
    : failed(`randomize_va_space cannot be read: "${value}"`);
}

/** The line env_setup.sh looks for before it appends its own. */
export const aslrLine = /^kernel\.randomize_va_space.*$/m;

/** /etc/sysctl.conf; puts out its line as `sysctlLine`. */
export function judgeSysctl(file: FileSeen | undefined): Verdict {
  const sysctlLine = aslrLine.exec(file?.text ?? "")?.[0] ?? "";
  if (sysctlLine !== "" && !/=\s*0\s*$/.test(sysctlLine))
    return failed(`/etc/sysctl.conf says "${sysctlLine}", and the scripts leave such a line as it is: Phoenix needs 0; remove it`);
  return { ok: true, lines: [sysctlLine === "" ? "no randomize_va_space in /etc/sysctl.conf" : sysctlLine], outputs: { sysctlLine } };
}

/** `sudo -n id -u` */
export function judgeSudo(result: CommandOutcome): Verdict {
  if (result.stdout.trim() === "0") return { ok: true, lines: ["sudo asks nothing, and is root"] };
  return failed("sudo is not there or asks for a password; the scripts cannot answer: allow NOPASSWD", lastWords(result, 3));
}

/** A tool that only has to be there: its first line of output says which. */
export function judgePresent(result: CommandOutcome): Verdict {
  const lines = linesOf(result.stdout).slice(0, 1);
  if (result.exitCode !== 0 || lines.length === 0) return failed(`it cannot be run (${endOf(result)})`, lastWords(result, 3));
  return { ok: true, lines };
}

/** `uname -r`: what is built or run here needs the new system calls. */
export function judgeRunsPhoenix({ stdout }: CommandOutcome): Verdict {
  const release = stdout.trim();
  if (release === phoenixRelease) return { ok: true, lines: [`uname -r: ${release}`] };
  return failed(`Linux ${release} runs, not ${phoenixRelease}: the node has left the Phoenix kernel; deploy again`, [
    `uname -r: ${release}`,
  ]);
}
