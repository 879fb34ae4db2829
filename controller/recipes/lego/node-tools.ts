/** What the tools of a CentOS 7 node say, judged. */
import type { CommandOutcome, Verdict } from "../../deploy/recipe.js";

/** A ConnectX-3, the only kind of adapter LegoOS drives. */
const hcaPciId = "15b3:1003";

/** `lspci -nn` */
export function judgeHca({ stdout }: CommandOutcome): Verdict {
  const line = linesOf(stdout).find((each) => each.includes(hcaPciId));
  return line === undefined ? failed(`no adapter ${hcaPciId} (ConnectX-3) on the PCI bus`) : { ok: true, lines: [line] };
}

/** `ibstat`: port 1 must be Active and have a LID; puts it out as `lid`. `expected` undefined: any. */
export function judgePort({ stdout }: CommandOutcome, expected?: number): Verdict {
  const port = stdout.split(/^\s*Port \d+:/m)[1] ?? "";
  const stateLine = /^\s*State:\s*(\S+)/m.exec(port);
  const lidLine = /^\s*Base lid:\s*(\d+)/m.exec(port);
  const lines = [stateLine, lidLine].flatMap((match) => (match === null ? [] : [match[0].trim()]));
  if (stateLine === null) return { ok: false, reason: "ibstat shows no port 1: is the mlx4 driver loaded?", lines };
  if (stateLine[1] !== "Active")
    return { ok: false, reason: `port 1 is ${stateLine[1]}, not Active: check cable, switch and subnet manager`, lines };
  const lid = Number(lidLine?.[1] ?? 0);
  if (lid === 0) return { ok: false, reason: "port 1 has no LID: is a subnet manager running?", lines };
  if (expected !== undefined && lid !== expected) return { ok: false, reason: `port 1 has LID ${lid}, expected ${expected}`, lines };
  return { ok: true, lines, outputs: { lid } };
}

/** `sminfo` */
export function judgeSubnetManager({ exitCode, stdout }: CommandOutcome): Verdict {
  const line = linesOf(stdout).find((each) => /\bsm lid \d+/.test(each));
  if (exitCode !== 0 || line === undefined) return { ok: false, reason: "no subnet manager answers" };
  return { ok: true, lines: [line] };
}

/** A tool that only has to be there: its first line of output says which. */
export function judgePresent({ exitCode, state, stdout }: CommandOutcome): Verdict {
  if (exitCode !== 0) return failed(`it cannot be run (${exitCode === undefined ? state : `exit code ${exitCode}`})`);
  return { ok: true, lines: linesOf(stdout).slice(0, 1) };
}

/** `make` of a kernel: the exit code proves nothing, its last word does. */
export function judgeKernelBuild(result: CommandOutcome): Verdict {
  const ready = linesOf(result.stdout).find((line) => /\bbzImage is ready\b/.test(line));
  if (result.exitCode === 0 && ready !== undefined) return { ok: true, lines: [ready] };
  const end = result.exitCode === undefined ? result.state : `exit code ${result.exitCode}`;
  return {
    ok: false,
    final: true,
    reason: result.exitCode === 0 ? 'make ended without saying that "bzImage is ready"' : `make failed: ${end}`,
    lines: linesOf(result.stderr.trim() === "" ? result.stdout : result.stderr).slice(-20),
  };
}

/** `readelf -l`: dynamic programs have an INTERP segment, and need a storage node. */
export function judgeStatic({ exitCode, stdout }: CommandOutcome): Verdict {
  if (exitCode !== 0) return failed("it is not an ELF file");
  return /\bINTERP\b/.test(stdout) ? failed("it is linked dynamically; without a storage node it must be static") : { ok: true };
}

/** `sha256sum` over the names an image may have been installed under: finds the one with this hash, puts it out as `release`. */
export function judgeInstalledImage({ stdout }: CommandOutcome, sha256: string): Verdict {
  const line = linesOf(stdout).find((each) => each.startsWith(`${sha256} `));
  const release = line === undefined ? undefined : /vmlinuz-(\S+)$/.exec(line)?.[1];
  if (line === undefined || release === undefined)
    return failed("no file in /boot is the image just built; is installkernel there, and room in /boot?", linesOf(stdout));
  return { ok: true, lines: [line], outputs: { release } };
}

const fitReady = /FIT layer done with all initialization on node (\d+)\. Ready to go!/;
const fitFailures: readonly (readonly [RegExp, string])[] = [
  [/fail to init_interface/, "FIT could not set up its interface"],
  [/\*{3}\s+Current LID/, "the node table built into the module has another LID for this node"],
  [/ERROR: QPN Changed!/, "queue pair numbers are not where the peers look for them: reboot the storage node"],
  [/Couldn't get local LID/, "the port has no LID; insmod hangs in an endless loop"],
];

/**
 * `dmesg` after insmod fit.ko: insmod ends with 0 whether FIT is connected or not. What stands before FIT's last success counts no
 * more: it may be of an earlier try.
 */
export function judgeFitModule({ stdout }: CommandOutcome, id: number): Verdict {
  const lines = linesOf(stdout);
  const last = lastOf(lines, [fitReady]);
  const since = lines.slice(last === undefined ? 0 : lines.lastIndexOf(last) + 1);
  // The first complaint says why, the others are what came of it.
  const complaints = since.filter((line) => fitFailures.some(([pattern]) => pattern.test(line)));
  const failure = fitFailures.find(([pattern]) => pattern.test(complaints[0] ?? ""));
  if (failure !== undefined) return failed(failure[1], complaints.slice(0, 3));
  if (last === undefined) return { ok: false, reason: "dmesg does not show FIT ready", lines: lines.slice(-3) };
  const node = Number(fitReady.exec(last)?.[1]);
  return node === id ? { ok: true, lines: [last] } : failed(`FIT came up as node ${node}, planned ${id}`, [last]);
}

/** `insmod storage.ko` says with an error number what only dmesg has in words. */
export function judgeStorageInsmod({ exitCode, stderr }: CommandOutcome): Verdict {
  if (exitCode === 0) return { ok: true };
  const lines = linesOf(stderr);
  if (/Unknown symbol/.test(stderr)) return failed("fit.ko is not loaded", lines);
  if (/Input\/output error/.test(stderr)) return failed("LegoOS FIT module is not ready; dmesg on the storage node says why", lines);
  return failed("it is not loaded", lines);
}

/** `dmesg` after insmod storage.ko. */
export function judgeStorageModule({ stdout }: CommandOutcome): Verdict {
  const lines = linesOf(stdout);
  const last = lastOf(lines, [/storage_self_monitor\(\): in_handler=/, /LegoOS FIT module is not ready/]);
  if (last === undefined) return { ok: false, reason: "dmesg does not show the self-monitor", lines: lines.slice(-3) };
  return last.includes("not ready") ? failed("the storage module refused to load: FIT is not ready", [last]) : { ok: true, lines: [last] };
}

/** `pgrep -x lego-storaged` */
export function judgeStorageThread({ exitCode, stdout }: CommandOutcome): Verdict {
  return exitCode === 0 && /^\d+$/m.test(stdout)
    ? { ok: true, lines: [`lego-storaged, process ${linesOf(stdout)[0] ?? ""}`] }
    : { ok: false, reason: "no kernel thread lego-storaged" };
}

function failed(reason: string, lines: readonly string[] = []): Verdict {
  return { ok: false, final: true, reason, lines };
}

function lastOf(lines: readonly string[], patterns: readonly RegExp[]): string | undefined {
  return lines.filter((line) => patterns.some((pattern) => pattern.test(line))).at(-1);
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}
