/**
 * runvanilla.sh, runbuiltin.sh, runphx.sh, runcriu.sh: CASE INDEX [-g=SUFFIX] [-k=SECONDS]. Exit codes are inverted or mean nothing, and every
 * redis on the machine is killed by its name (facts: Phoenix §2).
 */
import { readdirSync, rmSync } from "node:fs";
import type { Tool, ToolCall } from "../tools/tool.js";
import type { RedisServer } from "./app-builds.js";
import { hasFault } from "./faults.js";
import { type Course, type Mode, reads, statusLines } from "./load.js";
import { phoenixRelease, put, runningRelease, treeOf } from "./places.js";
import { serverLog } from "./server-log.js";
import { moduleNames } from "./ubuntu-tools.js";

interface Asked {
  readonly issue: string;
  readonly index: string;
  readonly folder: string;
  readonly killTimeS: number;
}

export function experiment(mode: Mode): Tool {
  return async (call) => {
    const asked = parse(call.argv);
    if (asked === undefined) {
      call.out(`Usage: ./run${mode}.sh <case> <idx> [-g|--expgroup=<name>] [-k|--killtime=120]\n`);
      return 1;
    }
    const server = prepare(call, mode, asked);
    if (typeof server === "string") {
      call.out(`${server}\n`);
      return 1;
    }
    return run(call, mode, asked, server);
  };
}

/** Options need their equals sign: without, they count as words, and there must be two of those. */
function parse(argv: readonly string[]): Asked | undefined {
  const option = (short: string, long: string) =>
    argv.map((word) => new RegExp(`^(?:-${short}|--${long})=(.*)$`).exec(word)?.[1]).find((value) => value !== undefined);
  const words = argv.filter((word) => !/^(-[gk]|--expgroup|--killtime)=/.test(word));
  const [issue, index] = words;
  if (words.length !== 2 || issue === undefined || index === undefined) return undefined;
  const group = option("g", "expgroup");
  return {
    issue,
    index,
    folder: `result-${issue}${group === undefined ? "" : `-${group}`}`,
    killTimeS: Number(option("k", "killtime") ?? "120"),
  };
}

/** The server of this mode and case, or what the script says before it begins. */
function prepare(call: ToolCall, mode: Mode, { issue }: Asked): RedisServer | string {
  const { machine } = call;
  if (!machine.exists(`trigger-${issue}.sh`)) return `Cannot find script trigger-${issue}.sh`;
  const variant = `${mode === "phx" ? "phx" : "orig"}-${issue === "7445" ? "7445" : "72"}`;
  const modules = moduleNames(call, call.env["MODULEPATH"] ?? "");
  const tree = treeOf(call);
  if (!modules.includes("ycsb")) return "Cannot load ycsb";
  if (!modules.includes(`redis/${variant}`)) return `Cannot load redis/${variant}`;
  if (!machine.exists(`${tree}/tools/ycsb-bin/bin/ycsb`)) return "Command not found: ycsb";
  if (mode === "criu" && !machine.exists(`${tree}/tools/criu-bin/sbin/criu`)) return "Command not found: criu";
  const server = machine.read(`${tree}/apps/redis/rel-${variant}/bin/redis-server`);
  return server === undefined ? "Command not found: redis-server" : (JSON.parse(server) as RedisServer);
}

async function run(call: ToolCall, mode: Mode, asked: Asked, server: RedisServer): Promise<number> {
  const { machine } = call;
  const { folder, index, killTimeS } = asked;
  const startedMs = call.now();
  const course = await courseOf(call, mode, asked, server);
  const log = (name: string, text: string) => put(machine, `${folder}/${mode}-${index}-${name}.log`, text);
  const process = startRedis(call);
  log("load", "[OVERALL], RunTime(ms), 41210\n[INSERT], Operations, 2000000\n");
  await call.work(400);
  const text = serverLog({
    mode,
    course,
    startedMs,
    faultMs: startedMs + killTimeS * 1000,
    restoreFails: hasFault(call, "criu-restore-fails"),
  });
  log("server", text);
  call.out(text);
  log("trigger", asked.issue === "12290" ? "Initializing...\nSpawning three clients\n" : "Error: Server closed the connection\n");
  log("ycsb", statusLines(reads(mode, course, killTimeS), startedMs));
  if (mode === "criu") for (const name of ["dump", "restore"]) log(name, "(00.000000) Version: 3.17.1 (gitid 0)\n");
  await call.work(400);
  const isLeft = hasFault(call, "redis-left-running");
  killEveryRedis(call, isLeft ? process : undefined);
  if (mode === "criu") return 0;
  // phx ends with the exit code of a grep for what is left; vanilla and builtin say 1 in both cases.
  return mode === "phx" && isLeft ? 0 : 1;
}

/** Whether the process comes back is decided by what was built, and by how. */
async function courseOf(call: ToolCall, mode: Mode, { issue }: Asked, server: RedisServer): Promise<Course> {
  // Its trigger waits with a tool that is nowhere: the branch that kills redis is never taken.
  if (issue === "12290" && !moduleNames(call, call.env["MODULEPATH"] ?? "").some((name) => name.startsWith("waitpid")))
    return "undisturbed";
  if (hasFault(call, "redis-stays-down") || (mode === "criu" && hasFault(call, "criu-restore-fails"))) return "gone";
  if (mode !== "phx") return "recovered";
  const isWhole = server.libraryBuiltOn === phoenixRelease && !server.stale && (await runningRelease(call)) === phoenixRelease;
  return isWhole ? "recovered" : "gone";
}

const firstPid = 20_000;

function startRedis({ machine }: ToolCall): string {
  const taken = new Set(readdirSync(machine.host("/proc")));
  let pid = firstPid;
  while (taken.has(String(pid))) pid += 1;
  put(machine, `/proc/${pid}/comm`, "redis-server\n");
  put(machine, `/proc/${pid}/cmdline`, "redis-server\0*:6379\0");
  return String(pid);
}

/** By name, whoever's it is. `spared`: the one that will not die. */
function killEveryRedis({ machine }: ToolCall, spared: string | undefined): void {
  for (const pid of readdirSync(machine.host("/proc")).filter((name) => /^\d+$/.test(name) && name !== spared)) {
    if ((machine.read(`/proc/${pid}/comm`) ?? "").includes("redis")) rmSync(machine.host(`/proc/${pid}`), { recursive: true });
  }
}
