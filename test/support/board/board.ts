/** A running aarch64 board for one test file: made, started, reached over real ssh, and gone when the test ends. */
import { spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Test } from "tap";
import { systemClock } from "../../../proto/base/clock.js";
import { DeadlineError, FailedError } from "../../../proto/base/errors.js";
import { until } from "../host/processes.js";
import { scratchDirectory } from "../host/scratch.js";
import { boardImage } from "./image.js";
import { makeKeys, writeClientConfig } from "./keys.js";
import { outputOf, programEnd, type ProgramEnd, type ProgramOptions } from "./program.js";
import { lastLines, type Machine, startMachine } from "./qemu.js";
import { boardUser } from "./startup.js";

export interface Board {
  readonly user: string;
  readonly sshPort: number;
  /** Path of the private key that opens it, for `user` and for root. */
  readonly identity: string;
  /** "ssh-ed25519 AAAA…" */
  readonly hostKey: string;
  /** For `ssh -F`: the host is called "board". */
  readonly sshConfig: string;
  /** What its serial line has said, as bytes in a file. */
  readonly consoleFile: string;
  /** Address of the host as the board sees it. */
  readonly hostAddress: string;
  readonly pid: number;
  /** From the start of QEMU until ssh answered. */
  readonly bootMs: number;
  /** Runs a command line on the board as its user with the system's ssh. */
  ssh(command: string, options?: ProgramOptions): Promise<ProgramEnd>;
  /** Ends the machine at once, as a power failure does. Idempotent; also called when the test ends. */
  stop(): Promise<void>;
}

/** Programs and the Debian packages that bring them. */
const required: Readonly<Record<string, string>> = {
  "qemu-system-aarch64": "qemu-system-arm",
  "/usr/sbin/mkfs.ext4": "e2fsprogs",
  ssh: "openssh-client",
  rsync: "rsync",
  setpriv: "util-linux",
  "apt-get": "apt",
};

/** The command that would install what is missing, as a reason to skip; false when all is there. */
export function boardMissing(): string | false {
  const packages = Object.entries(required)
    .filter(([program]) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0)
    .map(([, name]) => name);
  return packages.length === 0 ? false : `needs an aarch64 machine: apt-get install ${packages.join(" ")}`;
}

const bootDeadlineMs = 60_000;

export interface BoardOptions {
  /** As qemu's -m; default 256. */
  readonly memoryMb?: number;
  /** Another disk than the image's. */
  readonly disk?: string;
}

/** Starts a board; resolves when ssh has answered. A failure carries the last lines of its console. */
export async function startBoard(t: Test, { memoryMb = 256, disk }: BoardOptions = {}): Promise<Board> {
  const directory = join(await scratchDirectory(t), "board");
  await mkdir(directory);
  const made = await boardImage((text) => t.comment(text));
  const image = disk === undefined ? made : { ...made, disk };
  const keys = await makeKeys(directory);
  const initramfs = join(directory, "initramfs");
  await writeFile(initramfs, Buffer.concat([await readFile(image.initramfs), keys.archive]));
  const consoleFile = join(directory, "console.log");
  const began = systemClock.monotonicMs();
  const machine = await startMachine({ image, initramfs, consoleFile, memoryMb });
  t.teardown(() => machine.stop());
  const sshConfig = await writeClientConfig(directory, keys, machine.sshPort);
  const ssh = (command: string, options?: ProgramOptions) => programEnd(["ssh", "-F", sshConfig, "board", command], options);
  await answers(machine, consoleFile, () => outputOf(["ssh", "-F", sshConfig, "board", "true"]));
  const bootMs = systemClock.monotonicMs() - began;
  t.comment(`board: ssh answered ${(bootMs / 1000).toFixed(1)} s after its start`);
  return {
    user: boardUser,
    sshPort: machine.sshPort,
    identity: keys.identity,
    hostKey: keys.hostKey,
    sshConfig,
    consoleFile,
    hostAddress: "10.0.2.2",
    pid: machine.pid,
    bootMs,
    ssh,
    stop: () => machine.stop(),
  };
}

/** Waits until the board has said that sshd runs, then for ssh itself: earlier connections would sit in QEMU's hands until they time out. */
async function answers(machine: Machine, consoleFile: string, attempt: () => Promise<unknown>): Promise<void> {
  const began = systemClock.monotonicMs();
  let lastSeen = "";
  try {
    const started = () => {
      if (!machine.runs()) throw new FailedError(`board: QEMU ended while the machine started: ${machine.complaints()}`);
      const said = lastLines(consoleFile, 40);
      if (said.includes("Kernel panic")) throw new FailedError("board: its kernel panicked while the machine started");
      return said.includes("board: sshd started");
    };
    await until(started, "sshd on the board", { withinMs: bootDeadlineMs });
    const connected = () =>
      attempt().then(
        () => true,
        (error: Error) => {
          lastSeen = error.message;
          return false;
        },
      );
    await until(connected, "ssh to the board", { withinMs: bootDeadlineMs });
  } catch (cause) {
    const said = `${lastSeen || (cause as Error).message}\nlast lines of its console:\n${lastLines(consoleFile, 40)}`;
    const waitedMs = systemClock.monotonicMs() - began;
    throw new DeadlineError({ subject: "board", awaited: "an answer over ssh", waitedMs, lastSeen: said }, { cause });
  }
}
