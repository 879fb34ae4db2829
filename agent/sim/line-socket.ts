/** A unix socket that answers: one line in, one line of JSON out, then the end. */
import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { InvalidArgumentError } from "../../proto/base/errors.js";

/** sun_path has 108 bytes, its terminating NUL included. */
const maximumPathBytes = 100;
const maximumRequestBytes = 1 << 20;

export interface LineSocket {
  readonly path: string;
  /** Closes the socket and every connection. Idempotent. */
  close(): Promise<void>;
}

/** `answer` must not throw. Listens at `path`, which must be short. Throws InvalidArgumentError, and what listening throws. */
export async function listenForLines(path: string, answer: (line: string) => Promise<unknown>): Promise<LineSocket> {
  if (Buffer.byteLength(path) > maximumPathBytes) {
    throw new InvalidArgumentError(`socket ${path}: longer than ${maximumPathBytes} bytes; use a shorter directory`);
  }
  const connections = new Set<Socket>();
  const server = createServer((connection) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
    connection.on("error", () => connection.destroy());
    serve(connection, answer);
  });
  await rm(path, { force: true });
  server.listen(path);
  await once(server, "listening");
  return {
    path,
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const connection of connections) connection.destroy();
      await closed;
    },
  };
}

function serve(connection: Socket, answer: (line: string) => Promise<unknown>): void {
  const chunks: Buffer[] = [];
  let received = 0;
  connection.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    received += chunk.length;
    if (!chunk.includes(0x0a) && received <= maximumRequestBytes) return;
    connection.pause();
    const line = Buffer.concat(chunks).toString("utf8");
    void answer(line).then((reply) => connection.end(`${JSON.stringify(reply)}\n`));
  });
}
