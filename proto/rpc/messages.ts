/** Messages of a call: pulled one by one, written one by one, so that a slow end slows the other down through HTTP/2. */
import { Metadata, status } from "@grpc/grpc-js";
import type { Readable, Writable } from "node:stream";
import { unlessAborted } from "../base/abort.js";
import { CancelledError, InternalError } from "../base/errors.js";

/**
 * The messages that arrive on `stream`, in order. What has arrived is told before the stream's failure, which `explain` turns into
 * the error thrown. Throws the signal's reason as soon as it aborts. Leaving early does not touch the stream: its owner ends it.
 */
export async function* readMessages<T>(
  stream: Readable,
  options: { signal: AbortSignal; explain: (failure: unknown) => Error },
): AsyncGenerator<T, void, undefined> {
  const { signal } = options;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};
  const onWake = () => wake();
  const onEnd = () => {
    ended = true;
    wake();
  };
  const onError = (error: unknown) => {
    failure ??= { error };
    wake();
  };
  const onClose = () => {
    if (!ended) onError({ code: status.CANCELLED, details: "the stream broke off", metadata: new Metadata() });
  };
  // The error listener stays: grpc-js reports a cancelled call as an error event even when nobody is interested any more.
  stream.on("error", onError).on("readable", onWake).on("end", onEnd).on("close", onClose);
  signal.addEventListener("abort", onWake);
  try {
    for (;;) {
      if (signal.aborted) throw CancelledError.from(signal);
      const message = stream.read() as T | null;
      if (message !== null) {
        yield message;
        continue;
      }
      if (failure !== undefined) throw options.explain(failure.error);
      if (ended) {
        // A reset stream shows its end first and its cancellation right after: half a request must not pass for a whole one.
        await new Promise(setImmediate);
        if (signal.aborted) throw CancelledError.from(signal);
        return;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    stream.off("readable", onWake).off("end", onEnd).off("close", onClose);
    signal.removeEventListener("abort", onWake);
  }
}

/** Writes one message; resolves when the stream has room for the next. Throws the signal's reason when it aborts first. */
export async function writeMessage(stream: Writable, message: unknown, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw CancelledError.from(signal);
  if (stream.write(message)) return;
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      stream.off("drain", settle).off("close", settle);
      signal.removeEventListener("abort", settle);
      if (signal.aborted) reject(CancelledError.from(signal));
      else resolve();
    };
    stream.once("drain", settle).once("close", settle);
    signal.addEventListener("abort", settle, { once: true });
  });
}

/** Writes everything a source gives, at the pace of the stream. The source is told to stop when the signal aborts. */
export async function writeMessages(stream: Writable, source: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  const stop = () => {
    // Not awaited: a source that waits for something else may answer late, and whatever it says then, nobody listens any more.
    Promise.resolve(iterator.return?.()).catch(() => {});
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      if (next.done === true) return;
      await writeMessage(stream, next.value, signal);
    }
  } catch (error) {
    stop();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** The single message of a stream. Throws InternalError when there is none: the peer broke the contract. */
export async function onlyMessage<T>(messages: AsyncIterable<T>, subject: string): Promise<T> {
  let only: { readonly message: T } | undefined;
  for await (const message of messages) only ??= { message };
  if (only === undefined) throw new InternalError(`${subject}: the peer sent no message where the contract has one`);
  return only.message;
}
