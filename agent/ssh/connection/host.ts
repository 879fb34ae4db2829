/** One machine reached by ssh: a connection that is made when it is needed, kept, and made again when it is lost. */
import ssh2, { type Client, type ClientChannel, type ParsedKey } from "ssh2";
import { unlessAborted, withDeadline } from "../../../proto/base/abort.js";
import { Backoff } from "../../../proto/base/backoff.js";
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { UnreachableError, type LabError } from "../../../proto/base/errors.js";
import type { Logger } from "../../../proto/base/logger.js";
import { shellWord } from "../shell/words.js";
import type { Shell, ShellProcess } from "../shell/shell.js";
import { connectionFailure } from "./failures.js";
import { fingerprint, hostKeyAlgorithms, refusal } from "./host-key.js";
import { expectedHostKeys, identities, type OwnFiles, type Target } from "./identity.js";
import { Slots } from "./slots.js";

/** From the first packet to being logged in. A board may take seconds for its half of the key exchange. */
const connectMs = 20_000;
const channelMs = 20_000;
const retryMs = 100;
/** A connection over which nothing is heard three times in a row is lost. */
const keepaliveMs = 10_000;
const keepaliveMisses = 3;
/** sshd allows ten sessions a connection (sshd_config(5), MaxSessions); a session that ends may be counted a moment longer. */
const sessions = 8;

export interface SshHostOptions {
  readonly target: Target;
  readonly files: OwnFiles;
  readonly clock: Clock;
  readonly log: Logger;
}

export class SshHost implements Shell {
  readonly label: string;
  readonly #options: SshHostOptions;
  readonly #slots = new Slots(sessions);
  readonly #backoff = new Backoff({ initialMs: 500, capMs: 10_000, stableMs: 30_000 });
  #client: Client | undefined;
  #connecting: Promise<Client> | undefined;
  #notBeforeMs = 0;
  #closed = false;

  constructor(options: SshHostOptions) {
    this.#options = options;
    const { user, address, port } = options.target;
    this.label = `ssh ${user}@${address}${port === 22 ? "" : `:${port}`}`;
  }

  async open(script: string, options?: { signal?: AbortSignal | undefined }): Promise<ShellProcess> {
    const release = await this.#slots.take(options);
    try {
      const client = await unlessAborted(this.#connection(), options?.signal);
      const wait = { subject: this.label, awaited: "a session on the connection", deadlineMs: channelMs };
      // The login's own shell may be anything; in single quotes it hands the script on as it is.
      const command = `exec /bin/sh -c ${shellWord(script)}`;
      return await withDeadline(this.#options.clock, wait, (signal) => this.#session(client, command, release, signal), options);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Hangs up. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#client?.destroy();
    this.#client = undefined;
  }

  #connection(): Promise<Client> {
    if (this.#closed) return Promise.reject(new UnreachableError(`${this.label}: is not looked after any more`));
    if (this.#client !== undefined) return Promise.resolve(this.#client);
    this.#connecting ??= this.#reconnect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #reconnect(): Promise<Client> {
    const { clock, log, target } = this.#options;
    await sleep(clock, Math.max(0, this.#notBeforeMs - clock.monotonicMs()));
    const began = clock.monotonicMs();
    try {
      const client = await this.#connect();
      log.info({ host: this.label }, "ssh connected");
      this.#watch(client);
      return client;
    } catch (error) {
      this.#notBeforeMs = clock.monotonicMs() + this.#backoff.nextDelayMs(0);
      log.warn({ err: error, address: target.address, afterMs: Math.round(clock.monotonicMs() - began) }, "ssh does not connect");
      throw error;
    }
  }

  #watch(client: Client): void {
    const { clock, log } = this.#options;
    const began = clock.monotonicMs();
    this.#client = client;
    client.once("close", () => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.#notBeforeMs = clock.monotonicMs() + this.#backoff.nextDelayMs(clock.monotonicMs() - began);
      log.warn({ host: this.label }, "ssh connection lost");
    });
    if (this.#closed) this.close();
  }

  async #connect(): Promise<Client> {
    const { target, files, clock } = this.#options;
    const { address: host, port, user: username } = target;
    const [keys, expected] = await Promise.all([identities(target, files, this.label), expectedHostKeys(target, files)]);
    const client = new ssh2.Client();
    let refused: LabError | undefined;
    const failure = (error: unknown) => refused ?? connectionFailure(this.label, error, keys.map(keyName));
    const ready = new Promise<Client>((resolve, reject) => {
      client.once("ready", () => resolve(client));
      // Stays: an error without a listener would end the agent. After "ready" the close that follows says enough.
      client.on("error", (error) => reject(failure(error)));
      client.once("close", () => reject(failure(undefined)));
    });
    client.connect({
      host,
      port,
      username,
      authHandler: keys.map((key) => ({ type: "publickey" as const, username, key })),
      hostVerifier: (key: Buffer) => {
        refused = refusal(key, expected, { label: this.label, address: host, port });
        return refused === undefined;
      },
      algorithms: { serverHostKey: hostKeyAlgorithms(expected) as never },
      readyTimeout: connectMs,
      keepaliveInterval: keepaliveMs,
      keepaliveCountMax: keepaliveMisses,
    });
    const wait = { subject: this.label, awaited: "the login", deadlineMs: connectMs + 1_000 };
    try {
      return await withDeadline(clock, wait, () => ready);
    } catch (error) {
      client.destroy();
      throw error;
    }
  }

  /** A server that has no session free says only "open failed"; one that was let go is counted until its last process has ended. */
  async #session(client: Client, command: string, release: () => void, signal: AbortSignal): Promise<ShellProcess> {
    for (;;) {
      try {
        const process = await this.#exec(client, command, release);
        if (!signal.aborted) return process;
        // Nobody waits for it any more, and nobody else would ever end it.
        process.destroy();
        throw signal.reason;
      } catch (error) {
        if (client !== this.#client || signal.aborted) throw error;
        await sleep(this.#options.clock, retryMs, { signal });
      }
    }
  }

  #exec(client: Client, command: string, release: () => void): Promise<ShellProcess> {
    const failed = (reason: unknown, reject: (error: Error) => void) =>
      reject(
        new UnreachableError(`${this.label}: opens no session: ${reason instanceof Error ? reason.message : "not connected"}`, {
          cause: reason,
        }),
      );
    return new Promise((resolve, reject) => {
      try {
        client.exec(command, (error, channel) => {
          // At once: the packets that tell its end may have come with those that opened it.
          if (error === undefined || error === null) resolve(processOf(channel, release));
          else failed(error, reject);
        });
      } catch (error) {
        failed(error, reject);
      }
    });
  }
}

function processOf(channel: ClientChannel, release: () => void): ShellProcess {
  const ended = new Promise<number | undefined>((resolve) => {
    channel.once("exit", (code: number | null) => resolve(code ?? 255));
    channel.once("close", () => {
      release();
      resolve(undefined);
    });
  });
  // Its end is told by `ended`; an error of the stream alone says nothing more.
  channel.on("error", () => undefined);
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    ended,
    destroy() {
      // What nobody reads any more must not keep the session open: its close comes after its data.
      channel.resume();
      channel.stderr.resume();
      channel.close();
    },
  };
}

function keyName(key: ParsedKey): string {
  return `${key.type} ${fingerprint(key.getPublicSSH())}`;
}
