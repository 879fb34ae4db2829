/**
 * The controller's end of the reverse connection: an ordinary gRPC channel laid over the socket an agent dialled.
 *
 * grpc-js insists on dialling by itself, so it gets something to dial: a unix socket in a directory only we may enter, which accepts
 * one connection and is gone. Bytes are then passed both ways; back-pressure passes with them.
 */
import { Client, credentials } from "@grpc/grpc-js";
import type { ChannelOptions } from "@grpc/grpc-js";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { withDeadline } from "../base/abort.js";
import type { Clock } from "../base/clock.js";
import type { Channel, Keepalive } from "./channel.js";
import { channelOptions } from "./channel.js";

const bridgeDeadlineMs = 5_000;

export interface ReverseChannel extends Channel {
  /** Resolves with the reason when the connection has ended, by whichever end or because the peer no longer answers pings. */
  readonly closed: Promise<string>;
}

/** Takes over `socket`. Resolves when calls can be made; on failure the socket is destroyed. */
export async function channelOver(
  socket: Duplex,
  options: { label: string; clock: Clock; keepalive?: Keepalive },
): Promise<ReverseChannel> {
  const { label, clock } = options;
  const wait = { subject: label, awaited: "its connection to be bridged", deadlineMs: bridgeDeadlineMs };
  // mkdtemp makes it 0700. The name is short: a unix socket path has 108 bytes.
  const directory = await mkdtemp(join(tmpdir(), "labd-"));
  const path = join(directory, "s");
  try {
    const { transport, inner } = await withDeadline(clock, wait, () => dialThrough(path, channelOptions(options.keepalive)));
    const closed = bridge(socket, inner).finally(() => transport.close());
    return { label, transport, clock, closed, close: () => void socket.destroy() };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A client and the far end of the one connection it makes. */
function dialThrough(path: string, options: ChannelOptions): Promise<{ transport: Client; inner: Socket }> {
  return new Promise((resolve, reject) => {
    const server = createServer((inner) => {
      server.close();
      resolve({ transport, inner });
    });
    server.once("error", reject);
    const transport = new Client(`unix:${path}`, credentials.createInsecure(), options);
    server.listen(path, () => transport.getChannel().getConnectivityState(true));
  });
}

/** Resolves with the reason when either side has closed; both are then destroyed. */
function bridge(outer: Duplex, inner: Duplex): Promise<string> {
  return new Promise((resolve) => {
    let reason = "the agent closed the connection";
    outer.on("error", (error) => {
      reason = error.message;
    });
    // The inner side fails only because the outer one did, or because we closed the channel.
    inner.on("error", () => {});
    outer.once("close", () => {
      inner.destroy();
      resolve(reason);
    });
    inner.once("close", () => outer.destroy());
    outer.pipe(inner).pipe(outer);
  });
}
