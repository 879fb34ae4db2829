/** The Machine port over ssh: what the machine says about itself, and its reboot. */
import type { Clock } from "../../proto/base/clock.js";
import { FailedError, LabError } from "../../proto/base/errors.js";
import { parseDf } from "../host/facts/disk-usage.js";
import { parseCpuinfo, parseMeminfo, parseModules, parseMounts, parseOsRelease } from "../host/facts/proc.js";
import type { Facts, Machine } from "../ports/facts.js";
import { ask, talk } from "./shell/conversation.js";
import type { Shell } from "./shell/shell.js";
import { pathWord, prelude, shellCommand } from "./shell/words.js";

/** A file system that does not answer must not hold up the facts. */
const diskMs = 5_000;
const separator = "=labd-fact=";

const files = {
  kernel: "/proc/sys/kernel/ostype",
  kernelRelease: "/proc/sys/kernel/osrelease",
  arch: "/proc/sys/kernel/arch",
  hostname: "/proc/sys/kernel/hostname",
  bootId: "/proc/sys/kernel/random/boot_id",
  uptime: "/proc/uptime",
  cpuinfo: "/proc/cpuinfo",
  meminfo: "/proc/meminfo",
  modules: "/proc/modules",
  commandLine: "/proc/cmdline",
  osRelease: "/etc/os-release",
  mounts: "/proc/mounts",
} as const;

type Texts = Record<keyof typeof files | "machine", string>;

/** Everything in one go: over a slow line a dozen round trips would be a dozen times as slow. */
const factScript = `${prelude}${Object.entries(files)
  .map(([name, path]) => `printf '\\n%s %s\\n' ${separator} ${name}; cat ${pathWord(path)} 2>/dev/null\n`)
  .join("")}printf '\\n%s %s\\n' ${separator} machine; PATH=$LABD_PATH; uname -m 2>/dev/null\nexit 0\n`;

export class SshMachine implements Machine {
  readonly #shell: Shell;
  readonly #clock: Clock;
  readonly #rebootArgv: readonly string[];

  constructor(options: { shell: Shell; clock: Clock; rebootArgv: readonly string[] }) {
    this.#shell = options.shell;
    this.#clock = options.clock;
    this.#rebootArgv = options.rebootArgv;
  }

  async facts(): Promise<Facts> {
    const { stdout } = await ask(this.#shell, this.#clock, factScript, { awaited: "the machine's facts" });
    const text = sections(stdout.toString());
    const cpu = parseCpuinfo(text.cpuinfo);
    const memory = parseMeminfo(text.meminfo);
    return {
      kernel: text.kernel,
      kernelRelease: text.kernelRelease,
      // Kernels before 6.1 have no such file.
      arch: text.arch === "" ? text.machine : text.arch,
      hostname: text.hostname,
      bootId: text.bootId,
      uptimeS: Number.parseFloat(text.uptime) || 0,
      cpuCount: cpu.count,
      cpuModel: cpu.model,
      memoryBytes: memory.totalBytes,
      memoryAvailableBytes: memory.availableBytes,
      disks: await this.#disks(parseMounts(text.mounts)),
      modules: parseModules(text.modules),
      commandLine: text.commandLine,
      osRelease: parseOsRelease(text.osRelease),
    };
  }

  async bootId(options?: { signal?: AbortSignal | undefined }): Promise<string> {
    const script = `${prelude}cat ${pathWord(files.bootId)} 2>/dev/null\n`;
    const { stdout } = await ask(this.#shell, this.#clock, script, { awaited: "the machine's boot id", signal: options?.signal });
    return stdout.toString().trim();
  }

  async reboot(): Promise<{ oldBootId: string }> {
    const program = this.#rebootArgv[0] ?? "reboot";
    const script = `${prelude}cat ${pathWord(files.bootId)}; PATH=$LABD_PATH:$PATH; ${shellCommand(this.#rebootArgv)} >/dev/null\n`;
    const talking = talk(this.#shell, this.#clock, script, { awaited: "the reboot to be accepted" });
    let said = "";
    try {
      for (;;) {
        const next = await talking.next();
        if (next.done !== true) said += Buffer.from(next.value).toString();
        else if (next.value.code === 0) break;
        else throw new FailedError(`reboot: ${program} refused: ${next.value.stderr}`, { facts: { program } });
      }
    } catch (error) {
      // A machine that goes down at once takes the connection with it, after it has said its boot id.
      const wentDown = error instanceof LabError && (error.code === "unreachable" || error.code === "deadline") && said.includes("\n");
      if (!wentDown) throw error;
    }
    return { oldBootId: said.trim() };
  }

  /** A df for each: a file system that hangs costs its own line, not all of them. */
  async #disks(mounts: readonly string[]): Promise<Facts["disks"]> {
    const disks = await Promise.all(
      mounts.map(async (mount) => {
        const script = `${prelude}df -Pk ${pathWord(mount)}\n`;
        const answer = await ask(this.#shell, this.#clock, script, { awaited: `the usage of ${mount}`, silenceMs: diskMs }).catch(
          () => undefined,
        );
        const [usage] = parseDf(answer?.stdout.toString() ?? "");
        return usage === undefined ? undefined : { mount, ...usage };
      }),
    );
    return disks.filter((disk) => disk !== undefined);
  }
}

function sections(output: string): Texts {
  const texts: Record<string, string> = {};
  for (const part of output.split(`\n${separator} `).slice(1)) {
    const end = part.indexOf("\n");
    texts[part.slice(0, end)] = part.slice(end + 1).trim();
  }
  const names = [...(Object.keys(files) as (keyof typeof files)[]), "machine" as const];
  return Object.fromEntries(names.map((name) => [name, texts[name] ?? ""])) as Texts;
}
