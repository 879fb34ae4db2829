/** The source of a post-copy migration: serves its memory to one client until all of it is gone, or the client is. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Memory } from "./guest.js";
import { decodeRequest, pageOf, remotePages, requestBytes } from "./page-wire.js";

export interface PageServer {
  /** Resolves when somebody has connected. */
  readonly connected: Promise<void>;
  /** Resolves when it is over: all memory served, or the client gone before. */
  readonly ended: Promise<"served" | "client exited">;
  close(): void;
}

/** Listens at once; rejects when the port is taken. */
export async function servePages(memory: Memory, at: { readonly host: string; readonly port: number }): Promise<PageServer> {
  const server: Server = createServer();
  server.listen(at.port, at.host);
  await once(server, "listening");
  const client = once(server, "connection").then(([socket]) => {
    // One client only: who comes later is refused.
    server.close();
    return socket as Socket;
  });
  let current: Socket | undefined;
  const ended = client.then((socket) => {
    current = socket;
    return serve(socket, memory);
  });
  return {
    connected: client.then(() => undefined),
    ended,
    close() {
      if (server.listening) server.close();
      current?.destroy();
    },
  };
}

function serve(socket: Socket, memory: Memory): Promise<"served" | "client exited"> {
  const missing = new Set(remotePages(memory).map(({ region, page }) => `${region} ${page}`));
  let received = Buffer.alloc(0);
  return new Promise((resolve) => {
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve("client exited"));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= requestBytes) {
        const request = decodeRequest(received);
        received = received.subarray(requestBytes);
        if (request === undefined) return void socket.destroy();
        missing.delete(`${request.region} ${request.page}`);
        socket.write(pageOf(memory[request.region], request.page));
      }
      if (missing.size === 0) socket.end(() => resolve("served"));
    });
  });
}
