/** The Machine port: what this machine says about itself, and its reboot. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { machine } from "node:os";
import type { Facts, Machine } from "../../ports/facts.js";
import { FailedError } from "../../../proto/base/errors.js";
import type { RootDirectory } from "../root-directory.js";
import { diskUsage } from "./disk-usage.js";
import { parseCpuinfo, parseMeminfo, parseModules, parseMounts, parseOsRelease } from "./proc.js";

/** `reboot` only hands the request on; it does not wait for the machine to go down. */
const rebootDeadlineMs = 30_000;

export class HostMachine implements Machine {
  readonly #root: RootDirectory;
  readonly #rebootArgv: readonly string[];

  /** `rebootArgv`: the program that asks the operating system to reboot, looked up on the PATH. */
  constructor(options: { root: RootDirectory; rebootArgv: readonly string[] }) {
    this.#root = options.root;
    this.#rebootArgv = options.rebootArgv;
  }

  async facts(): Promise<Facts> {
    const [kernel, kernelRelease, arch, hostname, bootId, uptime, cpuinfo, meminfo, modules, commandLine, osRelease, disks] =
      await Promise.all([
        this.#text("/proc/sys/kernel/ostype"),
        this.#text("/proc/sys/kernel/osrelease"),
        this.#text("/proc/sys/kernel/arch"),
        this.#text("/proc/sys/kernel/hostname"),
        this.bootId(),
        this.#text("/proc/uptime"),
        this.#text("/proc/cpuinfo"),
        this.#text("/proc/meminfo"),
        this.#text("/proc/modules"),
        this.#text("/proc/cmdline"),
        this.#text("/etc/os-release"),
        this.#disks(),
      ]);
    const cpu = parseCpuinfo(cpuinfo);
    const memory = parseMeminfo(meminfo);
    return {
      kernel,
      kernelRelease,
      // Kernels before 6.1 have no such file; there this process's own machine is the answer.
      arch: arch === "" ? machine() : arch,
      hostname,
      bootId,
      uptimeS: Number.parseFloat(uptime) || 0,
      cpuCount: cpu.count,
      cpuModel: cpu.model,
      memoryBytes: memory.totalBytes,
      memoryAvailableBytes: memory.availableBytes,
      disks,
      modules: parseModules(modules),
      commandLine,
      osRelease: parseOsRelease(osRelease),
    };
  }

  /** Changes with every boot; "" on a machine that does not say. */
  bootId(): Promise<string> {
    return this.#text("/proc/sys/kernel/random/boot_id");
  }

  async reboot(): Promise<{ oldBootId: string }> {
    const oldBootId = await this.bootId();
    const [program = "reboot", ...args] = this.#rebootArgv;
    await new Promise<void>((resolve, reject) => {
      execFile(program, args, { timeout: rebootDeadlineMs, killSignal: "SIGKILL" }, (error, _stdout, stderr) => {
        if (error === null) return resolve();
        const said = stderr.trim() === "" ? error.message : stderr.trim();
        reject(new FailedError(`reboot: ${program} refused: ${said}`, { facts: { program }, cause: error }));
      });
    });
    return { oldBootId };
  }

  async #disks(): Promise<Facts["disks"]> {
    const mounts = parseMounts(await this.#text("/proc/mounts"));
    // One at a time per mount: a file system that hangs costs its own line, not all of them.
    const disks = await Promise.all(
      mounts.map(async (mount) => {
        const [usage] = await diskUsage([this.#root.join(mount)]).catch(() => []);
        return usage === undefined ? undefined : { mount, ...usage };
      }),
    );
    return disks.filter((disk) => disk !== undefined);
  }

  /** Trimmed; "" when it cannot be read: a fact that is missing must not hide the others. */
  async #text(path: string): Promise<string> {
    return (await readFile(await this.#root.resolve(path), "utf8").catch(() => "")).trim();
  }
}
