/** What the tools of either machine say, judged. */
import type { CommandOutcome, FactsSeen, Verdict } from "../../deploy/recipe.js";
import { failed, howItEnded, lastLines, linesOf, notYet } from "./output-lines.js";
import { inMebibytes } from "./sizes.js";

/** Opens the device as the proxy does, for reading and for writing, and moves nothing. */
export const openKvm: readonly string[] = ["dd", "if=/dev/kvm", "of=/dev/kvm", "count=0", "conv=nocreat,notrunc"];

export function judgeKvm(result: CommandOutcome): Verdict {
  if (result.exitCode === 0) return { ok: true, lines: ["/dev/kvm opens for reading and writing"] };
  return failed(
    "the user of the agent may not read and write /dev/kvm: load the kvm module, put the user into the device's group, and start the agent anew",
    lastLines(result),
  );
}

/** `pgrep -a -x proxy`: none may run; nobody else's may be touched. */
export function judgeNoProxy(result: CommandOutcome): Verdict {
  const running = linesOf(result.stdout);
  if (running.length === 0 && result.exitCode === 1) return { ok: true, lines: ["no proxy runs"] };
  if (running.length === 0) return failed(`the processes cannot be listed (${howItEnded(result)})`, lastLines(result));
  return failed(
    "a proxy runs already: it takes memory and may be somebody's; undeploy ends those of this deployment, others are their owners' to end",
    running,
  );
}

/** After undeploy: none below our directory is left. Others are not ours. */
export function judgeNoProxyOfOurs(result: CommandOutcome, directory: string): Verdict {
  if (result.exitCode !== 0 && result.exitCode !== 1)
    return failed(`the processes cannot be listed (${howItEnded(result)})`, lastLines(result));
  const ours = linesOf(result.stdout).filter((line) => line.includes(`${directory}/`));
  return ours.length === 0 ? { ok: true, lines: [`no proxy runs in ${directory}`] } : notYet("a proxy of this deployment still runs", ours);
}

/** `ssh … uname -m`, run on the x86 machine. */
export function judgeLogin(result: CommandOutcome): Verdict {
  if (result.exitCode !== 0) {
    const reason =
      `the x86 machine cannot log in to the board without a password (${howItEnded(result)}): ` +
      "ssh-copy-id, and accept its host key once";
    // A board that has only just come up may refuse for a moment; a wrong key stays wrong.
    return /Permission denied|verification failed/.test(result.stderr)
      ? failed(reason, lastLines(result))
      : notYet(reason, lastLines(result));
  }
  const machine = linesOf(result.stdout).at(-1)?.trim() ?? "";
  return machine === "aarch64" ? { ok: true, lines: [machine] } : failed(`what answers there is "${machine}", not an aarch64 board`);
}

/** `ss -Hltn`: nobody listens on the port. */
export function judgePortFree(result: CommandOutcome, port: number): Verdict {
  if (result.exitCode !== 0) return failed(`the listening ports cannot be listed (${howItEnded(result)})`, lastLines(result));
  const taken = linesOf(result.stdout).filter((line) => new RegExp(`:${port}\\s`).test(line));
  return taken.length === 0
    ? { ok: true, lines: [`nobody listens on port ${port}`] }
    : failed(`port ${port} is taken; end what listens there, or choose another port`, taken);
}

/** `ping -c 1 ADDRESS`. */
export function judgeReachable(result: CommandOutcome, address: string): Verdict {
  if (result.exitCode === 0) return { ok: true, lines: linesOf(result.stdout).slice(-2) };
  return failed(
    `${address} does not answer from here: wrong address, or another network; post-copy pulls pages from it`,
    lastLines(result),
  );
}

export interface Needs {
  readonly arch: string;
  /** MEM. */
  readonly memoryBytes: number;
  /** The heap of a full checkpoint is at most MEM. */
  readonly diskBytes: number;
  /** Where checkpoints go. */
  readonly directory: string;
}

export function judgeFacts(facts: FactsSeen, { arch, memoryBytes, diskBytes, directory }: Needs): Verdict {
  const wrong: string[] = [];
  if (facts.kernel !== "Linux") wrong.push(`${facts.kernel} runs, not Linux`);
  if (facts.arch !== arch) wrong.push(`it is ${facts.arch}, this side of the pair must be ${arch}`);
  if (facts.memoryAvailableBytes < memoryBytes)
    wrong.push(
      `${inMebibytes(facts.memoryAvailableBytes)} of memory are free, the unikernel needs ${inMebibytes(memoryBytes)}: a smaller mem`,
    );
  const disk = facts.disks
    .filter(({ mount }) => `${directory}/`.startsWith(mount === "/" ? "/" : `${mount}/`))
    .sort((a, b) => b.mount.length - a.mount.length)[0];
  if (disk !== undefined && disk.freeBytes < diskBytes)
    wrong.push(
      `${inMebibytes(disk.freeBytes)} are free in ${disk.mount}, a checkpoint may need ${inMebibytes(diskBytes)}: make room, or another directory`,
    );
  if (wrong.length > 0) return failed(wrong.join("; "));
  const { kernelRelease, memoryAvailableBytes } = facts;
  return { ok: true, lines: [`Linux ${kernelRelease} on ${facts.arch}, ${inMebibytes(memoryAvailableBytes)} of memory free`] };
}
