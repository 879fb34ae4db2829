/** QEMU as a child process: its monitor (QMP, one JSON object a line) on stdin and stdout, its serial line in a file. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { withDeadline } from "../../../proto/base/abort.js";
import { systemClock } from "../../../proto/base/clock.js";
import type { BoardImage } from "./image.js";

export interface Machine {
  readonly pid: number;
  /** Port on 127.0.0.1 that leads to the machine's port 22. */
  readonly sshPort: number;
  /** True until the process has ended. */
  readonly runs: () => boolean;
  /** What QEMU itself complained about. */
  readonly complaints: () => string;
  /** Kills it and waits until it is gone. */
  stop(): Promise<void>;
}

export interface MachineOptions {
  readonly image: BoardImage;
  /** The image's initramfs followed by the files of this run. */
  readonly initramfs: string;
  readonly consoleFile: string;
  readonly memoryMb: number;
}

/** What costs an emulated machine a third of its time and proves nothing here: guards against neighbours it does not have. */
const kernelArguments = "console=ttyAMA0 nokaslr kpti=off mitigations=off init_on_alloc=0";

/** As the facts sheet on virtual labs has it. Software emulation only: a /dev/kvm that opens proves nothing, and is of the wrong architecture. */
function argvOf({ image, initramfs, consoleFile, memoryMb }: MachineOptions): readonly string[] {
  return [
    // A machine must not outlive the test that made it, however that ends.
    ["setpriv", "--pdeathsig", "KILL", "qemu-system-aarch64"],
    ["-M", "virt", "-cpu", "cortex-a53", "-accel", "tcg,thread=multi", "-m", String(memoryMb), "-nodefaults", "-display", "none"],
    ["-kernel", image.kernel, "-initrd", initramfs, "-append", kernelArguments],
    ["-drive", `file=${image.disk},format=raw,if=none,id=disk,snapshot=on`, "-device", "virtio-blk-device,drive=disk"],
    // Port 0: the host's kernel picks a free one.
    ["-netdev", "user,id=net,hostfwd=tcp:127.0.0.1:0-:22", "-device", "virtio-net-device,netdev=net"],
    ["-device", "virtio-rng-device", "-serial", `file:${consoleFile}`, "-qmp", "stdio"],
  ].flat();
}

/** Starts it; resolves when QEMU runs and says where it forwards ssh from, not when the machine answers. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const [program = "", ...args] = argvOf(options);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, NODE_OPTIONS: "" } });
  child.stdin.on("error", () => {});
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  const runs = () => child.exitCode === null && child.signalCode === null;
  const stop = async () => {
    if (!runs()) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  try {
    const wait = { subject: "board: qemu-system-aarch64", awaited: "its monitor", deadlineMs: 20_000, lastSeen: () => complaints.trim() };
    const sshPort = await withDeadline(systemClock, wait, () => forwardedPort(child, () => complaints));
    return { pid: child.pid ?? 0, sshPort, runs, complaints: () => complaints.trim(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Asks the monitor for the user network's table: `TCP[HOST_FORWARD] 12 127.0.0.1 41234 10.0.2.15 22 …`. */
async function forwardedPort(child: ChildProcess, complaints: () => string): Promise<number> {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("board: qemu-system-aarch64 has no monitor");
  // A listener, not a loop: a loop left early would close stdout, and QEMU with it.
  const lines = createInterface({ input: stdout });
  const port = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`board: qemu-system-aarch64 ended with code ${code}: ${complaints().trim()}`)));
    lines.on("line", (line) => {
      const { return: answer } = JSON.parse(line) as { return?: unknown };
      if (typeof answer !== "string") return;
      const [, found] = /HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s/.exec(answer) ?? [];
      if (found === undefined) reject(new Error(`board: no forwarded port in: ${answer}`));
      else resolve(Number(found));
    });
  });
  stdin.write(`${JSON.stringify({ execute: "qmp_capabilities" })}\n`);
  stdin.write(`${JSON.stringify({ execute: "human-monitor-command", arguments: { "command-line": "info usernet" } })}\n`);
  return await port;
}

/** The end of the serial line, for messages. */
export function lastLines(consoleFile: string, count = 12): string {
  try {
    return readFileSync(consoleFile, "utf8").trimEnd().split(/\r?\n/).slice(-count).join("\n");
  } catch {
    return "";
  }
}
