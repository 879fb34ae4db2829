/** A daemon of the local lab as a child process: started, awaited by what it says, ended, its last words kept. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../../../proto/base/clock.js";
import { withDeadline } from "../../../proto/base/abort.js";
import { FailedError } from "../../../proto/base/errors.js";

export interface DaemonSpec {
  /** For messages: "lab-controller". */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Everything it prints, appended. */
  readonly logFile: string;
  /** What it prints on a line when it is ready. */
  readonly ready: RegExp;
  readonly readyWithinMs: number;
}

const stopGraceMs = 10_000;
const keptLines = 20;

export class Daemon {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #log: WriteStream;
  readonly #clock: Clock;
  readonly #lastLines: string[] = [];
  /** Resolves with how it ended, whoever ended it. */
  readonly ended: Promise<string>;
  #onLine: ((line: string) => void) | undefined;

  private constructor(spec: DaemonSpec, clock: Clock) {
    this.name = spec.name;
    this.#clock = clock;
    mkdirSync(dirname(spec.logFile), { recursive: true });
    this.#log = createWriteStream(spec.logFile, { flags: "a" });
    // Its standard input stays open as long as we live: a daemon told to watches it and ends when we are gone, however we went.
    this.#child = spawn(process.execPath, [spec.program, ...spec.args], {
      env: spec.env ?? process.env,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on("data", (data: Buffer) => this.#heard(data));
    this.#child.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(`could not be started: ${error.message}`));
      this.#child.once("exit", (code, signal) => resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`));
    });
  }

  /** Starts it and waits for its word. Throws FailedError with its last lines, or DeadlineError. */
  static async start(spec: DaemonSpec, clock: Clock, signal: AbortSignal): Promise<Daemon> {
    const daemon = new Daemon(spec, clock);
    const ready = new Promise<void>((resolve) => {
      daemon.#onLine = (line) => {
        if (spec.ready.test(line)) resolve();
      };
    });
    const died = daemon.ended.then((how) => {
      throw new FailedError(`${spec.name} ${how} before it was ready:\n${daemon.lastLines.join("\n")}\nall of it: ${spec.logFile}`);
    });
    const wait = {
      subject: spec.name,
      awaited: "its word that it is ready",
      deadlineMs: spec.readyWithinMs,
      lastSeen: () => daemon.lastLines.at(-1),
    };
    try {
      await withDeadline(clock, wait, () => Promise.race([ready, died]), { signal });
    } catch (error) {
      await daemon.stop();
      throw error;
    }
    died.catch(() => undefined);
    return daemon;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** SIGTERM, and SIGKILL when that is not heard in time; resolves when it is gone. Idempotent. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = this.#clock.after(stopGraceMs, () => this.#child.kill("SIGKILL"));
    await this.ended;
    timer.cancel();
    this.#log.end();
  }

  #heard(data: Buffer): void {
    this.#log.write(data);
    for (const line of data.toString("utf8").split("\n")) {
      if (line === "") continue;
      this.#lastLines.push(line);
      if (this.#lastLines.length > keptLines) this.#lastLines.shift();
      this.#onLine?.(line);
    }
  }
}
