/** One script from start to end, with a deadline on silence. */
import type { Readable, Writable } from "node:stream";
import { once } from "node:events";
import type { Clock } from "../../../proto/base/clock.js";
import { CancelledError, DeadlineError, UnreachableError } from "../../../proto/base/errors.js";
import type { Shell } from "./shell.js";

export interface TalkOptions {
  /** What the script reads; default nothing. */
  readonly input?: AsyncIterable<Uint8Array> | Uint8Array;
  /** What is awaited, for the error of a deadline: "the facts". */
  readonly awaited: string;
  /** How long nothing may move in either direction. */
  readonly silenceMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface TalkEnd {
  readonly code: number;
  /** At most the first 8 KiB. */
  readonly stderr: string;
}

export const defaultSilenceMs = 30_000;
const stderrLimit = 8 * 1024;

/**
 * Runs a script; yields its output as it comes, returns how it ended. Throws UnreachableError when the connection is lost before its
 * end, DeadlineError when nothing moves, CancelledError, and what `input` throws.
 */
export async function* talk(shell: Shell, clock: Clock, script: string, options: TalkOptions): AsyncGenerator<Uint8Array, TalkEnd> {
  const process = await shell.open(script, { signal: options.signal });
  const silence = new Silence(clock, { ...options, subject: shell.label });
  try {
    const feeding = feed(process.stdin, options.input, () => silence.broken());
    const complaint = textOf(process.stderr);
    const output = process.stdout.iterator({ destroyOnReturn: false });
    // A failure of the input is told when the script would be waited for: it never ends without its input.
    const failed = feeding.then(() => new Promise<never>(() => undefined));
    for (;;) {
      const next: IteratorResult<Buffer> = await silence.during(Promise.race([output.next(), failed]));
      if (next.done === true) break;
      yield next.value;
    }
    const code = await silence.during(process.ended);
    if (code === undefined) throw new UnreachableError(`${shell.label}: the connection was lost before ${options.awaited} had come`);
    return { code, stderr: await silence.during(complaint) };
  } finally {
    silence.close();
    process.destroy();
  }
}

/** As `talk`, with the whole output at its end. */
export async function ask(shell: Shell, clock: Clock, script: string, options: TalkOptions): Promise<TalkEnd & { stdout: Buffer }> {
  const chunks: Uint8Array[] = [];
  const talking = talk(shell, clock, script, options);
  for (;;) {
    const next = await talking.next();
    if (next.done === true) return { ...next.value, stdout: Buffer.concat(chunks) };
    chunks.push(next.value);
  }
}

async function feed(stdin: Writable, input: TalkOptions["input"], moved: () => void): Promise<void> {
  // A script that ends without reading everything closes it: its end says why.
  let closed = false;
  stdin.on("error", () => {
    closed = true;
  });
  stdin.on("close", () => {
    closed = true;
  });
  const chunks = input instanceof Uint8Array ? [input] : (input ?? []);
  for await (const chunk of chunks) {
    if (closed) continue;
    if (!stdin.write(chunk)) await Promise.race([once(stdin, "drain"), once(stdin, "close")]).catch(() => undefined);
    moved();
  }
  stdin.end();
}

async function textOf(stderr: Readable): Promise<string> {
  let text = "";
  try {
    for await (const chunk of stderr) if (text.length < stderrLimit) text += String(chunk);
  } catch {
    // Lost with its connection; that is told by the end.
  }
  return text.slice(0, stderrLimit).trim();
}

/** Waits that end when nothing has moved for too long, or somebody does not want to wait any more. */
class Silence {
  readonly #clock: Clock;
  readonly #options: TalkOptions & { readonly subject: string };
  readonly #limitMs: number;
  #lastMs: number;
  #reject: ((reason: Error) => void) | undefined;
  #timer: { cancel(): void } | undefined;
  readonly #onAbort = () => this.#reject?.(CancelledError.from(this.#options.signal));

  constructor(clock: Clock, options: TalkOptions & { readonly subject: string }) {
    this.#clock = clock;
    this.#options = options;
    this.#limitMs = options.silenceMs ?? defaultSilenceMs;
    this.#lastMs = clock.monotonicMs();
    options.signal?.addEventListener("abort", this.#onAbort);
  }

  broken(): void {
    this.#lastMs = this.#clock.monotonicMs();
  }

  during<T>(work: Promise<T>): Promise<T> {
    this.broken();
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      if (this.#options.signal?.aborted === true) this.#onAbort();
      this.#arm(this.#limitMs);
      // First the timer: whoever waited may arm the next one as soon as this promise is settled.
      const over =
        <V>(settle: (value: V) => void) =>
        (value: V) => {
          this.#timer?.cancel();
          settle(value);
        };
      work.then(over(resolve), over(reject));
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(delayMs, () => {
      const silentMs = this.#clock.monotonicMs() - this.#lastMs;
      // A timer may come a little early.
      if (silentMs < this.#limitMs - 1) return this.#arm(this.#limitMs - silentMs);
      const { subject, awaited } = this.#options;
      this.#reject?.(new DeadlineError({ subject, awaited, waitedMs: silentMs, lastSeen: "nothing more from the machine" }));
    });
  }
}
