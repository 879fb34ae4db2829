/**
 * Files between the machines: rsync on the x86 one, one command a path. The template's own targets are not used: they send whatever
 * *.bin lies there, and fetch several remote names in one argument, which rsync 3.2.4 and later refuse (facts: HEXO §2).
 */
import type { CommandOutcome, Json, Verdict } from "../../deploy/recipe.js";
import { failed, howItEnded, lastLines, linesOf } from "./output-lines.js";
import type { BoardLogin, Machine } from "./pair.js";

function sshOptions({ port, identity }: BoardLogin): string[] {
  return ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-p", String(port), ...(identity === undefined ? [] : ["-i", identity])];
}

/** Runs a command on the board, from the x86 machine. */
export function sshTo(login: BoardLogin, ...command: readonly string[]): string[] {
  return ["ssh", ...sshOptions(login), `${login.user}@${login.host}`, ...command];
}

/** Copies one file into a directory of the other machine; `to` is where it goes. */
export function copyFile(login: BoardLogin, to: Machine["side"], file: string, directory: string): string[] {
  const remote = `${login.user}@${login.host}:`;
  const paths = to === "arm" ? [file, `${remote}${directory}/`] : [`${remote}${file}`, `${directory}/`];
  return ["rsync", "-t", "--stats", "-e", ["ssh", ...sshOptions(login)].join(" "), ...paths];
}

/** One copy: rsync must say that it has moved exactly this one file. Puts out its bytes and times under the file's name. */
export function judgeCopy(result: CommandOutcome, name: string): Verdict {
  if (result.exitCode === 255) return failed("ssh to the board has failed: password-less login, host key, network?", lastLines(result));
  if (result.exitCode !== 0) return failed(`rsync failed: ${howItEnded(result)}; is the disk full?`, lastLines(result));
  const count = statistic(result.stdout, "Number of (?:regular )?files transferred");
  const bytes = statistic(result.stdout, "Total transferred file size");
  if (count === undefined || bytes === undefined) return failed("rsync --stats has told nothing of what it did", lastLines(result));
  if (count !== 1)
    return failed(`rsync has transferred ${count} files, not this one: it took what lay there for the same`, lastLines(result));
  return {
    ok: true,
    lines: linesOf(result.stdout).filter((line) => /transferred/.test(line)),
    outputs: { [name]: { bytes, startedMs: result.startedMs, endedMs: result.endedMs ?? result.startedMs } },
  };
}

/** "Total transferred file size: 2,147,483,648 bytes" */
function statistic(stdout: string, name: string): number | undefined {
  const digits = new RegExp(`^${name}:\\s*([\\d,.]+)`, "m").exec(stdout)?.[1];
  return digits === undefined ? undefined : Number(digits.replaceAll(/[,.]/g, ""));
}

export interface Copied {
  readonly bytes: number;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** What the copies of one step have put out together; undefined when there were none. */
export function copiedBy(outputs: Readonly<Record<string, Json>> | undefined): Copied | undefined {
  const copies = Object.values(outputs ?? {}).flatMap((value) => {
    const copy = value as Partial<Copied> | null;
    return typeof copy === "object" && typeof copy?.bytes === "number" ? [copy as Copied] : [];
  });
  if (copies.length === 0) return undefined;
  return {
    bytes: copies.reduce((sum, { bytes }) => sum + bytes, 0),
    startedMs: Math.min(...copies.map(({ startedMs }) => startedMs)),
    endedMs: Math.max(...copies.map(({ endedMs }) => endedMs)),
  };
}

/** `rsync --version`: 3.0 or newer. */
export function judgeRsyncVersion(result: CommandOutcome): Verdict {
  const line = linesOf(result.stdout).find((each) => /^rsync\s+version/.test(each));
  const major = Number(/version\s+v?(\d+)\./.exec(line ?? "")?.[1] ?? Number.NaN);
  if (result.exitCode !== 0 || line === undefined || Number.isNaN(major))
    return failed(`rsync cannot be run (${howItEnded(result)}): install it`, lastLines(result));
  return major >= 3 ? { ok: true, lines: [line] } : failed("rsync is older than 3.0: install a newer one", [line]);
}
