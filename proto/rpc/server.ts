/** Serves a service written as async functions and async iterables. */
import type { Server, ServerDuplexStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import { CancelledError } from "../base/errors.js";
import { onlyMessage, readMessages, writeMessage, writeMessages } from "./messages.js";
import type { Peer } from "./peer.js";
import { peerOf } from "./peer.js";
import type { AnyMethod, Call, Implementation, ServiceDefinition } from "./service.js";
import { asStream, rpcName } from "./service.js";
import { statusFromError } from "./status.js";

export interface ServeOptions {
  /** Throws when this peer may not make this call. `rpc` is "PowerService.SetPower". Default: everybody may. */
  readonly authorize?: (peer: Peer | undefined, rpc: string) => void;
  /** Told every error a call ended with, before the caller is. */
  readonly onError?: (error: unknown, rpc: string) => void;
}

type AnyHandler = (request: unknown, call: Call) => Promise<unknown> | AsyncIterable<unknown>;
type DuplexCall = ServerDuplexStream<unknown, unknown>;

/** Adds a service to a gRPC server. Everything thrown by the implementation reaches the caller as its LabError. */
export function addService<D extends ServiceDefinition>(
  server: Server,
  definition: D,
  implementation: Partial<Implementation<D>>,
  options: ServeOptions = {},
): void {
  const methods: Record<string, ReturnType<typeof asStream>> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    const handler = (implementation as unknown as Record<string, AnyHandler>)[name];
    if (handler === undefined) continue; // Not served here (an agent answers no ListNodes): gRPC says UNIMPLEMENTED.
    methods[name] = asStream(method);
    handlers[name] = (call: DuplexCall) => void serve(call, method, handler.bind(implementation), options);
  }
  server.addService(methods, handlers);
}

async function serve(call: DuplexCall, method: AnyMethod, handler: AnyHandler, options: ServeOptions): Promise<void> {
  const rpc = rpcName(method.path);
  const cancel = new AbortController();
  call.once("cancelled", () => cancel.abort(new CancelledError(`${rpc}: the caller has gone`)));
  const { signal } = cancel;
  try {
    const peer = peerOf(call.getAuthContext().sslPeerCertificate);
    options.authorize?.(peer, rpc);
    const messages = readMessages(call, { signal, explain: () => new CancelledError(`${rpc}: the request stream broke off`) });
    const request = method.requestStream ? messages : await onlyMessage(messages, rpc);
    const answer = handler(request, { signal, peer });
    if (isStream(answer)) await writeMessages(call, answer, signal);
    else await writeMessage(call, await answer, signal);
    call.end();
  } catch (error) {
    if (!signal.aborted) options.onError?.(error, rpc);
    // grpc-js ends a call with the status its stream is failed with.
    call.emit("error", statusFromError(error));
  }
}

function isStream(answer: Promise<unknown> | AsyncIterable<unknown>): answer is AsyncIterable<unknown> {
  return Symbol.asyncIterator in answer;
}
