/**
 * The ssh server of a simulated Linux: real connections, real keys, commands as real processes with the environment every process of the
 * machine has. Like sshd it lets what it started run on when a connection goes; unlike it, the machine's power takes that along.
 */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import ssh2, { type AuthContext, type Connection, type ServerChannel } from "ssh2";
import { UnreachableError } from "../../../proto/base/errors.js";
import type { Logger } from "../../../proto/base/logger.js";
import { killMarkedProcesses } from "../linux/marked-processes.js";
import { type MachineProcesses, processEnvironment } from "../linux/process-environment.js";
import type { Clock } from "../../../proto/base/clock.js";
import { homeOf, isAuthorized } from "./keys.js";

export interface SshServerOptions {
  readonly address: string;
  readonly port: number;
  /** Who may log in. */
  readonly user: string;
  /** Private key in OpenSSH's format. */
  readonly hostKey: string;
  readonly processes: MachineProcesses;
  readonly clock: Clock;
  readonly log: Logger;
}

export class SshServer {
  readonly #options: SshServerOptions;
  readonly #server: InstanceType<typeof ssh2.Server>;
  readonly #connections = new Set<Connection>();

  constructor(options: SshServerOptions) {
    this.#options = options;
    this.#server = new ssh2.Server({ hostKeys: [options.hostKey] }, (connection) => this.#welcome(connection));
  }

  /** Throws UnreachableError when the address cannot be had. */
  listen(): Promise<void> {
    const { address, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause: Error) =>
        reject(
          new UnreachableError(`ssh server on ${address} port ${port}: ${cause.message}; give the node another ssh address or port`, {
            cause,
          }),
        ),
      );
      this.#server.listen(port, address, () => resolve());
    });
  }

  /** Ends the connections there are; new ones are let in. */
  cutConnections(): void {
    for (const connection of this.#connections) destroy(connection);
  }

  /** The power is gone. Idempotent. */
  async stop(): Promise<void> {
    const { processes, clock } = this.#options;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cutConnections();
    await closed;
    await killMarkedProcesses(processes.mark, clock);
  }

  #welcome(connection: Connection): void {
    this.#connections.add(connection);
    connection.on("close", () => this.#connections.delete(connection));
    // A client that hangs up or is no client at all: nobody here to tell.
    connection.on("error", () => undefined);
    connection.on("authentication", (context) => void this.#authenticate(context));
    connection.on("session", (accept) => {
      const session = accept();
      session.on("exec", (acceptExec, _reject, { command }) => this.#run(acceptExec(), command));
    });
  }

  async #authenticate(context: AuthContext): Promise<void> {
    const { user, processes, log } = this.#options;
    if (context.method !== "publickey") return context.reject(["publickey"]);
    const file = join(processes.rootDirectory, homeOf(user), ".ssh/authorized_keys");
    const text = await readFile(file, "utf8").catch(() => "");
    if (context.username === user && isAuthorized(context, text)) return context.accept();
    log.info({ user: context.username }, "ssh login refused");
    context.reject(["publickey"]);
  }

  #run(channel: ServerChannel, command: string): void {
    const { user, processes } = this.#options;
    const home = join(processes.rootDirectory, homeOf(user));
    mkdirSync(home, { recursive: true });
    // LABD_ROOT: what reaches this machine by its shell alone must know where its "/" is.
    const env = { ...processEnvironment(processes, homeOf(user)), LABD_ROOT: processes.rootDirectory };
    const child = spawn("/bin/sh", ["-c", command], { cwd: home, env, detached: true, stdio: "pipe" });
    for (const stream of [channel, child.stdin]) stream.on("error", () => undefined);
    channel.pipe(child.stdin);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    child.once("error", () => channel.exit(127));
    // After its output has ended as well, as sshd waits for it.
    child.once("close", (code, signal) => {
      if (signal === null) channel.exit(code ?? 0);
      else channel.exit(signal.replace(/^SIG/, ""));
      channel.end();
    });
  }
}

/** At once, as a line that breaks: the other side is not told. */
function destroy(connection: Connection): void {
  const socket: unknown = "_sock" in connection ? connection._sock : undefined;
  if (typeof socket === "object" && socket !== null && "destroy" in socket && typeof socket.destroy === "function") socket.destroy();
  else connection.end();
}
