/** Calls a service: promises for single answers, async iterables for streams, errors as LabErrors. */
import { Metadata } from "@grpc/grpc-js";
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { anySignal } from "../base/abort.js";
import type { Timer } from "../base/clock.js";
import { DeadlineError, UnreachableError } from "../base/errors.js";
import type { Channel } from "./channel.js";
import { onlyMessage, readMessages, writeMessages } from "./messages.js";
import type { AnyMethod, CallOptions, ServiceClient, ServiceDefinition } from "./service.js";
import { asStream, rpcName } from "./service.js";
import { errorFromStatus } from "./status.js";

const singleAnswerDeadlineMs = 30_000;

/** A client of one service over a channel. Making one costs nothing; all clients of a channel share its connection. */
export function clientOf<D extends ServiceDefinition>(definition: D, channel: Channel): ServiceClient<D> {
  const methods = Object.entries(definition).map(([name, method]) => [name, callable(method, channel)]);
  return Object.fromEntries(methods) as ServiceClient<D>;
}

function callable(method: AnyMethod, channel: Channel) {
  return (request: unknown, options: CallOptions = {}) => {
    const requests = method.requestStream ? (request as AsyncIterable<unknown>) : single(request);
    if (method.responseStream) return new AnswerStream(method, channel, requests, options);
    const limited = { ...options, deadlineMs: options.deadlineMs ?? singleAnswerDeadlineMs };
    return onlyMessage(new AnswerStream(method, channel, requests, limited), `${channel.label}: ${rpcName(method.path)}`);
  };
}

async function* single(request: unknown): AsyncGenerator<unknown> {
  yield request;
}

interface RunningCall {
  readonly answers: AsyncGenerator<unknown>;
  /** Lets go of timer and listeners; cancels the call unless it is over. */
  readonly finish: () => void;
}

/** The answers of one call. Starts with the first `next()`; `return()` cancels at once, even while a `next()` waits. */
class AnswerStream implements AsyncIterableIterator<unknown> {
  readonly #start: () => RunningCall;
  #running: RunningCall | undefined;
  #finished = false;

  constructor(method: AnyMethod, channel: Channel, requests: AsyncIterable<unknown>, options: CallOptions) {
    this.#start = () => startCall(method, channel, requests, options);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    if (this.#finished) return { value: undefined, done: true };
    try {
      this.#running ??= this.#start();
      const next = await this.#running.answers.next();
      if (next.done === true) this.#finish();
      return next;
    } catch (error) {
      const left = this.#finished;
      this.#finish();
      if (left) return { value: undefined, done: true };
      throw error;
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#finish();
    return { value: undefined, done: true };
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#running?.finish();
  }
}

function startCall(method: AnyMethod, channel: Channel, requests: AsyncIterable<unknown>, options: CallOptions): RunningCall {
  const rpc = rpcName(method.path);
  const call = openCall(method, channel, rpc);
  const stop = new AbortController();
  const { signal, release } = anySignal(options.signal, stop.signal);
  const timer = startDeadline(channel, rpc, options.deadlineMs, stop);
  if (signal.aborted) call.cancel();
  else signal.addEventListener("abort", () => call.cancel(), { once: true });

  let requestFailure: Error | undefined;
  const answers = readMessages<unknown>(call, {
    signal,
    explain: (failure) => requestFailure ?? errorFromStatus(failure as ServiceError, channel.label, rpc),
  });
  writeMessages(call, requests, signal).then(
    () => call.end(),
    (error: Error) => {
      requestFailure = error;
      call.cancel();
    },
  );
  const finish = () => {
    timer?.cancel();
    stop.abort();
    release();
  };
  return { answers, finish };
}

function openCall(method: AnyMethod, channel: Channel, rpc: string): ClientDuplexStream<unknown, unknown> {
  const { path, requestSerialize, responseDeserialize } = asStream(method);
  try {
    return channel.transport.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata(), {});
  } catch (cause) {
    // grpc-js throws when the channel has been closed, instead of failing the call.
    throw new UnreachableError(`${channel.label}: ${rpc}: the connection is closed`, { facts: { rpc }, cause });
  }
}

/** Our own timer, not gRPC's deadline, which is a wall time and would follow a clock that is set. */
function startDeadline(channel: Channel, rpc: string, deadlineMs: number | undefined, stop: AbortController): Timer | undefined {
  if (deadlineMs === undefined) return undefined;
  const wait = { subject: `${channel.label}: ${rpc}`, awaited: "an answer", waitedMs: deadlineMs };
  return channel.clock.after(deadlineMs, () => stop.abort(new DeadlineError(wait)));
}
