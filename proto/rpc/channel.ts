/** A connection to call services over: dialled to the controller, or laid over a socket the other end dialled (reverse.ts). */
import { Client, credentials } from "@grpc/grpc-js";
import type { ChannelOptions } from "@grpc/grpc-js";
import type { Clock } from "../base/clock.js";
import type { Identity } from "./identity.js";
import { controllerName } from "./peer.js";

export interface Channel {
  /** Who is at the other end, for messages: "controller lab1:7443", "agent p0". */
  readonly label: string;
  readonly transport: Client;
  readonly clock: Clock;
  /** Cancels what is under way and lets go of the connection. Idempotent. */
  close(): void;
}

/** Both ends of a connection ping, calls or not. A peer that has answered nothing for `everyMs + withinMs` is gone. */
export interface Keepalive {
  readonly everyMs: number;
  readonly withinMs: number;
}

const defaultKeepalive: Keepalive = { everyMs: 10_000, withinMs: 5_000 };

function keepaliveOptions({ everyMs, withinMs }: Keepalive): ChannelOptions {
  return {
    "grpc.keepalive_time_ms": everyMs,
    "grpc.keepalive_timeout_ms": withinMs,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.enable_channelz": 0,
  };
}

/** Options of every gRPC client here. */
export function channelOptions(keepalive: Keepalive = defaultKeepalive): ChannelOptions {
  return { ...keepaliveOptions(keepalive), ...clientOptions };
}

/** Options of every gRPC server here. */
export function serverOptions(keepalive: Keepalive = defaultKeepalive): ChannelOptions {
  return keepaliveOptions(keepalive);
}

const clientOptions: ChannelOptions = {
  // Retrying calls keep all they ever wrote on long streams (grpc-node #2371).
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.use_local_subchannel_pool": 1,
  // An idle connection is a connection: it is not given up.
  "grpc.client_idle_timeout_ms": 0x7fff_ffff,
};

/** `address` is HOST:PORT, IPv6 in brackets. Without an identity only EnrollmentService.Join is open. Connects with the first call. */
export function dialChannel(options: { address: string; caPem: string; identity?: Identity | undefined; clock: Clock }): Channel {
  const { address, identity, clock } = options;
  const tls = credentials.createSsl(
    Buffer.from(options.caPem),
    identity === undefined ? null : Buffer.from(identity.keyPem),
    identity === undefined ? null : Buffer.from(identity.certificatePem),
  );
  const transport = new Client(address, tls, {
    ...channelOptions(),
    "grpc.ssl_target_name_override": controllerName,
    "grpc.default_authority": controllerName,
  });
  return { label: `controller ${address}`, transport, clock, close: () => transport.close() };
}
