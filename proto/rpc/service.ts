/**
 * A service as both ends write it. The generated definition is the only source: the caller's methods and the implementer's
 * methods have the same shape and differ only in what rides along (`Context`): options for the caller, the call for the implementer.
 */
import type { MethodDefinition } from "@grpc/grpc-js";
import type { Peer } from "./peer.js";

/** A generated `XxxServiceService`. */
export type ServiceDefinition = Readonly<Record<string, AnyMethod>>;

/** One rpc of it, whatever its messages. */
export interface AnyMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: never) => Buffer;
  readonly requestDeserialize: (value: Buffer) => unknown;
  readonly responseSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (value: Buffer) => unknown;
}

type Request<M extends AnyMethod> = ReturnType<M["requestDeserialize"]>;
type Response<M extends AnyMethod> = ReturnType<M["responseDeserialize"]>;
type Incoming<M extends AnyMethod> = M["requestStream"] extends true ? AsyncIterable<Request<M>> : Request<M>;
type Outgoing<M extends AnyMethod> = M["responseStream"] extends true ? AsyncIterable<Response<M>> : Promise<Response<M>>;

/** What an implementation is told about a call beside its request. */
export interface Call {
  /** Aborts when the caller cancels, its deadline passes, or the connection is lost. */
  readonly signal: AbortSignal;
  /** Who calls, by verified certificate; undefined without one, and on a connection the other end dialled (there it is the controller). */
  readonly peer: Peer | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default 30 s for calls with a single answer, none for streams. */
  readonly deadlineMs?: number | undefined;
}

/** What a server provides for a service: a function per rpc, async iterables where the contract says `stream`. */
export type Implementation<D extends ServiceDefinition> = {
  readonly [K in keyof D]: (request: Incoming<D[K]>, call: Call) => Outgoing<D[K]>;
};

/** What a client of a service calls. A streamed answer starts with its first `next()` and is cancelled by leaving the loop. */
export type ServiceClient<D extends ServiceDefinition> = {
  readonly [K in keyof D]: (request: Incoming<D[K]>, options?: CallOptions) => Outgoing<D[K]>;
};

/**
 * On the wire every gRPC call is a stream each way, and the four kinds differ only in how many messages travel. So both ends
 * here know one kind, and count.
 */
export function asStream(method: AnyMethod): MethodDefinition<unknown, unknown> {
  return {
    path: method.path,
    requestStream: true,
    responseStream: true,
    requestSerialize: method.requestSerialize as (value: unknown) => Buffer,
    requestDeserialize: method.requestDeserialize,
    responseSerialize: method.responseSerialize as (value: unknown) => Buffer,
    responseDeserialize: method.responseDeserialize,
  };
}

/** "PowerService.SetPower" from "/lab.v1.PowerService/SetPower": how messages name an rpc. */
export function rpcName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1).replace("/", ".");
}
