/** What the node's own tools say, judged: docker, ss, ldd, git, meminfo, disks. */
import type { CommandOutcome, FactsSeen, Verdict } from "../../deploy/recipe.js";
import { clientPort, daemonPort, linesOf } from "./design.js";

const gibibyte = 2 ** 30;

export const dockerInfo: readonly string[] = ["docker", "info", "--format", "{{json .}}"];

/** dockerInfo: a docker run by root. Puts out dockerRoot. */
export function judgeDocker({ exitCode, stdout, stderr }: CommandOutcome): Verdict {
  const info = parsed(stdout);
  const [version, root] = [info["ServerVersion"], info["DockerRootDir"]];
  if (exitCode !== 0 || typeof version !== "string" || version === "" || typeof root !== "string")
    return failed("docker does not answer: is it installed and running, and may the agent use it?", linesOf(stderr).slice(-3));
  if (JSON.stringify(info["SecurityOptions"] ?? []).includes("name=rootless"))
    return failed("docker runs without root; CRIU needs rights that no container of a rootless docker has", [`docker ${version}`]);
  return { ok: true, lines: [`docker ${version}, data in ${root}`], outputs: { dockerRoot: root } };
}

function parsed(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

/** `ss -H -lun`: local addresses of bound UDP sockets. */
export function boundOn(stdout: string, port: number): string[] {
  return linesOf(stdout)
    .flatMap((line) => line.trim().split(/\s+/))
    .filter((word) => word.endsWith(`:${port}`));
}

export const udpQuery: readonly string[] = ["ss", "-H", "-lun"];

/** Neither port of PhOS may be bound. */
export function judgePortsFree(result: CommandOutcome): Verdict {
  if (result.exitCode !== 0) return failed("ss does not list UDP sockets", linesOf(result.stderr));
  const taken = [daemonPort, clientPort].filter((port) => boundOn(result.stdout, port).length > 0);
  if (taken.length === 0) return { ok: true, lines: [`UDP ${daemonPort} and ${clientPort} are free`] };
  return {
    ok: false,
    reason: `UDP ${taken.join(" and ")} is taken: another PhOS runs on this node (lab undeploy ends ours)`,
    lines: taken.flatMap((port) => boundOn(result.stdout, port)),
  };
}

/** The daemon listens, and whoever reaches this port may use it: said, not hidden. */
export function judgeDaemonPort(result: CommandOutcome): Verdict {
  const bound = boundOn(result.stdout, daemonPort);
  if (result.exitCode !== 0 || bound.length === 0) return { ok: false, reason: `nothing listens on UDP ${daemonPort}` };
  const open = bound.some((address) => !/^(127\.|\[::1\])/.test(address));
  const note = open ? `${bound.join(", ")}: open to the network, without authentication; a firewall must close it` : bound.join(", ");
  return { ok: true, lines: [note] };
}

/** `ldd --version` inside the image: CRIU is compiled there. */
export function judgeGlibc({ exitCode, stdout }: CommandOutcome): Verdict {
  const [line = ""] = linesOf(stdout);
  const version = /(\d+)\.(\d+)\s*$/.exec(line);
  if (exitCode !== 0 || version === null) return failed("ldd does not tell the version of glibc", [line]);
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major > 2 || (major === 2 && minor >= 29)) return { ok: true, lines: [line] };
  return failed(`the image has glibc ${major}.${minor}; compiling CRIU needs 2.29 or newer: choose another image`, [line]);
}

/** `cat /proc/meminfo`: what a dump may use, put out as `availableMiB`. */
export function availableMiB(stdout: string): number | undefined {
  const match = /^MemAvailable:\s*(\d+) kB/m.exec(stdout);
  return match === null ? undefined : Math.floor(Number(match[1]) / 1024);
}

/** A dump goes into a tmpfs of 80 % of the free memory: all GPU memory in use must fit (facts: PhOS §3). */
export function judgeMemory({ stdout }: CommandOutcome, gpuUsedMiB: number): Verdict {
  const available = availableMiB(stdout);
  if (available === undefined) return failed("/proc/meminfo does not tell MemAvailable");
  const room = Math.floor(available * 0.8);
  const line = `${available} MiB of memory available, ${room} MiB of it for a dump; ${gpuUsedMiB} MiB of GPU memory in use`;
  if (room > gpuUsedMiB) return { ok: true, lines: [line] };
  return failed("a dump of the GPU memory in use does not fit into 80 % of the free memory", [line]);
}

/** x86-64 Linux with room on the disks of these paths. */
export function judgeMachine(facts: FactsSeen, paths: readonly string[], diskGiB: number): Verdict {
  const wrong: string[] = [];
  if (facts.kernel !== "Linux") wrong.push(`${facts.kernel} runs, not Linux`);
  if (facts.arch !== "x86_64") wrong.push(`it is ${facts.arch}; PhOS is built for x86_64`);
  const lines = [`Linux ${facts.kernelRelease}`];
  for (const path of paths) {
    const disk = diskOf(facts, path);
    if (disk === undefined) continue;
    const free = Math.floor(disk.freeBytes / gibibyte);
    if (free < diskGiB) wrong.push(`${free} GiB free on ${disk.mount} for ${path}, ${diskGiB} are needed`);
    lines.push(`${free} GiB free for ${path}`);
  }
  return wrong.length === 0 ? { ok: true, lines } : failed(wrong.join("; "), lines);
}

function diskOf({ disks }: FactsSeen, path: string): FactsSeen["disks"][number] | undefined {
  const holds = (mount: string) => mount === "/" || path === mount || path.startsWith(`${mount}/`);
  return [...disks].filter(({ mount }) => holds(mount)).sort((a, b) => b.mount.length - a.mount.length)[0];
}

/** `git ls-remote URL REF REF^{}`: the network reaches the repository, and it has what is to be built. Puts out `refCommit`. */
export function judgeRemote({ exitCode, stdout, stderr }: CommandOutcome, ref: string): Verdict {
  if (exitCode !== 0) return failed("the repository does not answer: is there a way out to the network?", linesOf(stderr).slice(-3));
  const lines = linesOf(stdout).filter((each) => /^[0-9a-f]{40}\s+refs\/(heads|tags)\//.test(each));
  // What an annotated tag points to counts, not the tag itself.
  const line = lines.find((each) => each.endsWith("^{}")) ?? lines[0];
  if (line === undefined) return failed(`the repository has no branch or tag ${ref}`);
  return { ok: true, lines: [line], outputs: { refCommit: line.slice(0, 40) } };
}

function failed(reason: string, lines: readonly string[] = []): Verdict {
  return { ok: false, final: true, reason, lines };
}
