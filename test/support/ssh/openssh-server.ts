/** A real sshd on loopback, with keys and configuration of its own in a scratch directory; ended with the test. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import type { OwnFiles, Target } from "../../../agent/ssh/connection/identity.js";
import { until } from "../host/processes.js";
import { scratchDirectory } from "../host/scratch.js";

const program = ["/usr/sbin/sshd", "/usr/bin/sshd"].find((path) => existsSync(path));

/** What a test that needs it is skipped with; undefined when it is there. */
export const noSshServer =
  program !== undefined && existsSync("/usr/bin/ssh-keygen")
    ? undefined
    : "no sshd here: apt-get install -y --no-install-recommends openssh-server openssh-client";

export interface SshServer {
  readonly directory: string;
  readonly target: Target;
  /** The connecting machine: its home holds the key and, after `trust`, the host's. */
  readonly files: OwnFiles;
  /** Home directory of sessions. */
  readonly remoteHome: string;
  readonly hostKey: () => Promise<string>;
  /** Writes known_hosts. */
  trust(): Promise<void>;
  /** Ends every connection there is; new ones are let in. */
  cutConnections(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Another host key from the next start on. */
  changeHostKey(): Promise<void>;
}

export function makeKey(path: string, type = "ed25519"): void {
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "labd-test", "-f", path]);
}

/** `environment`: for every session. Sessions run in a home directory of the test's. */
export async function openSshServer(t: Test, environment: Readonly<Record<string, string>> = {}): Promise<SshServer> {
  const directory = await scratchDirectory(t);
  // sshd wants its keys below directories nobody else may write; the directory for tests is one of everybody's.
  await chmod(directory, 0o700);
  const home = join(directory, "home");
  const remoteHome = join(directory, "remote-home");
  const hostKeyFile = join(directory, "host_key");
  await mkdir(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  await mkdir(remoteHome);
  makeKey(hostKeyFile);
  makeKey(join(home, ".ssh/id_ed25519"));
  await copyFile(join(home, ".ssh/id_ed25519.pub"), join(directory, "authorized_keys"));
  const port = await freePort();
  const variables = Object.entries({ HOME: remoteHome, ...environment }).map(([name, value]) => `${name}="${value}"`);
  const config = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${hostKeyFile}`,
    `AuthorizedKeysFile ${join(directory, "authorized_keys")}`,
    `PidFile ${join(directory, "sshd.pid")}`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "PermitRootLogin yes",
    `SetEnv ${variables.join(" ")}`,
  ];
  await writeFile(join(directory, "sshd_config"), `${config.join("\n")}\n`);
  if (userInfo().uid === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });

  let child: ChildProcess | undefined;
  const hostKey = async () => (await readFile(`${hostKeyFile}.pub`, "utf8")).split(" ").slice(0, 2).join(" ");
  const server: SshServer = {
    directory,
    target: { address: "127.0.0.1", port, user: userInfo().username, identity: "", hostKey: "" },
    files: { home: "/home", resolve: (path) => Promise.resolve(join(directory, path)) },
    remoteHome,
    hostKey,
    trust: async () => writeFile(join(home, ".ssh/known_hosts"), `[127.0.0.1]:${port} ${await hostKey()}\n`),
    async start() {
      const log = join(directory, "sshd.log");
      child = spawn(program ?? "sshd", ["-D", "-f", join(directory, "sshd_config"), "-E", log], { stdio: "ignore", detached: true });
      await until(async () => (await readFile(log, "utf8").catch(() => "")).includes("Server listening"), "sshd to listen");
    },
    async cutConnections() {
      for (const pid of children(child?.pid)) kill(pid);
    },
    async stop() {
      const sessions = children(child?.pid);
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }
      for (const pid of sessions) kill(pid);
      await writeFile(join(directory, "sshd.log"), "");
    },
    async changeHostKey() {
      execFileSync("rm", [hostKeyFile, `${hostKeyFile}.pub`]);
      makeKey(hostKeyFile);
    },
  };
  t.teardown(() => server.stop());
  await server.start();
  return server;
}

/** Processes below one: the privileged and the unprivileged half of each connection. Jobs have left: they have sessions of their own. */
function children(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  const output = execFileSync("ps", ["-eo", "pid=,ppid=,comm="], { encoding: "utf8" });
  return output
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, name]) => Number(parent) === pid && name === "sshd")
    .map(([own]) => Number(own));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself since it was found.
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
