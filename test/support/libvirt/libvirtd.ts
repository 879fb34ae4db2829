/**
 * A real libvirtd with libvirt's own test driver: machines in its memory, everything else as with QEMU. It runs without privileges and with
 * every directory of its own, so that it meets no libvirt of the machine it runs on.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Test } from "tap";
import { scratchDirectory } from "../host/scratch.js";
import { until } from "../host/processes.js";
import { missingProgram } from "../sim/peer-program.js";

export const libvirtMissing = missingProgram("virsh", "libvirt-clients") || missingProgram("libvirtd", "libvirt-daemon");

export interface Libvirtd {
  /** Of the machine "test", which runs at first. */
  readonly uri: string;
  readonly directory: string;
  /** What happened to machines, in libvirt's words: "Started Booted". */
  events(): readonly string[];
  /** How often a machine was started, destroyed, reset or shut down. */
  executions(): number;
  /** Runs virsh on this libvirtd. Throws what it complains of. */
  virsh(...args: readonly string[]): string;
  /** Nothing is answered any more. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Calls of virsh to this libvirtd that run now. */
  readonly callers: () => number;
  stop(): Promise<void>;
}

/** `auth`: how a client must show who it is ("none", "sasl"). */
export async function startLibvirtd(t: Test, { auth = "none" } = {}): Promise<Libvirtd> {
  const directory = await scratchDirectory(t);
  const log = join(directory, "log");
  const socket = join(directory, "libvirt-sock");
  const uri = `test+unix:///default?socket=${socket}`;
  const config = [
    `unix_sock_dir = "${directory}"`,
    'auth_unix_ro = "none"',
    `auth_unix_rw = "${auth}"`,
    // The calls it gets from clients.
    'log_filters = "1:libvirt 4:*"',
    `log_outputs = "1:file:${log}"`,
  ];
  writeFileSync(join(directory, "libvirtd.conf"), `${config.join("\n")}\n`);
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  if (nobody.uid !== undefined) chownSync(directory, nobody.uid, nobody.gid);
  const path = [process.env["PATH"] ?? "", "/usr/sbin"].join(delimiter);
  const env = { PATH: path, LC_ALL: "C", HOME: directory, XDG_RUNTIME_DIR: join(directory, "run"), XDG_CACHE_HOME: directory };
  // Ends by itself when nobody has been connected for a while: also when this process is killed.
  const arguments_ = ["--config", join(directory, "libvirtd.conf"), "--timeout=10"];
  const daemon = spawn("libvirtd", arguments_, { env, ...nobody, stdio: "ignore" });
  const exited = once(daemon, "exit");
  t.teardown(async () => {
    daemon.kill("SIGKILL");
    await exited;
  });
  await until(() => existsSync(socket), "libvirtd to listen");
  // The test driver forgets its machines with its last connection. The shell's input is ours: it ends when we do.
  const hold = `virsh -q -c '${uri}' event --all --loop & echo; read -r _; kill $!`;
  const holder = spawn("/bin/sh", ["-c", hold], { env, stdio: ["pipe", "pipe", "ignore"] });
  let told = "";
  holder.stdout.setEncoding("utf8").on("data", (text: string) => (told += text));
  const released = once(holder, "exit");
  t.teardown(async () => {
    daemon.kill("SIGKILL");
    holder.stdin.end();
    await released;
  });
  const lines = () => (existsSync(log) ? readFileSync(log, "utf8").split("\n") : []);
  if (auth === "none") await until(() => lines().some((line) => line.includes("EventRegisterAny")), "the test's own connection");
  const virsh = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync("virsh", ["-q", "-c", uri, ...args], { env, encoding: "utf8", timeout: 20_000 });
    if (status !== 0) throw new Error(`virsh ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  return {
    uri,
    directory,
    virsh,
    events: () => told.split("\n").flatMap((line) => /^event 'lifecycle' for domain '.*': (.*)$/.exec(line)?.[1] ?? []),
    executions: () => executed(lines()),
    freeze: () => void daemon.kill("SIGSTOP"),
    thaw: () => void daemon.kill("SIGCONT"),
    callers: () =>
      commandLines().filter((line) => line.startsWith("virsh\0") && line.includes(socket) && !line.includes("\0event\0")).length,
    async stop() {
      daemon.kill("SIGKILL");
      await exited;
    },
  };
}

/** Calls in its log, without those that had nothing to act on: it logs a call before it looks. */
function executed(lines: readonly string[]): number {
  let on = true;
  let count = 0;
  for (const line of lines) {
    const call = /: debug : virDomain(Create|Destroy|Reset|Shutdown)(?:WithFlags|Flags)?:\d+ : /.exec(line)?.[1];
    if (call === undefined || (call === "Create") === on) continue;
    count += 1;
    on = call === "Create" || call === "Reset";
  }
  return count;
}

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8")];
      } catch {
        return [];
      }
    });
}
