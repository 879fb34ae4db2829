/** The resumed side of a post-copy migration: pulls the memory it misses, page by page. */
import { once } from "node:events";
import { connect, isIPv4, type Socket } from "node:net";
import type { Memory } from "./guest.js";
import { encodeRequest, pageBytes, remotePages } from "./page-wire.js";

export type Connection = { readonly socket: Socket } | { readonly problem: string };

/** Tries once. What it says when that fails is all there is: the program finds out when it needs its memory. */
export async function connectToPageServer(server: string, port: number): Promise<Connection> {
  if (!isIPv4(server)) return { problem: "Invalid address/ Address not supported: Success" };
  // Simulated machines share loopback, whichever of its addresses they are given.
  const socket = connect({ host: server.startsWith("127.") ? "127.0.0.1" : server, port });
  try {
    await once(socket, "connect");
    return { socket };
  } catch (error) {
    socket.destroy();
    const reason = error instanceof Error && "code" in error && error.code === "ECONNREFUSED" ? "Connection refused" : "No route to host";
    return { problem: `Connection Failed: ${reason}` };
  }
}

/** Fills data, bss and heap from the source. False when the source is gone before the last page. */
export async function pullPages(socket: Socket, memory: Memory, pause: () => Promise<void>): Promise<boolean> {
  const reader = new PageReader(socket);
  try {
    for (const request of remotePages(memory)) {
      socket.write(encodeRequest(request));
      const page = await reader.next();
      if (page === undefined) return false;
      const region = memory[request.region];
      const offset = request.page * pageBytes;
      region.set(page.subarray(0, Math.min(pageBytes, region.byteLength - offset)), offset);
      await pause();
    }
    return true;
  } finally {
    socket.destroy();
  }
}

class PageReader {
  #received = Buffer.alloc(0);
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    const end = () => {
      this.#isOver = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", end);
  }

  /** Undefined when the source is gone. */
  async next(): Promise<Buffer | undefined> {
    while (this.#received.length < pageBytes) {
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const page = this.#received.subarray(0, pageBytes);
    this.#received = this.#received.subarray(pageBytes);
    return page;
  }
}
