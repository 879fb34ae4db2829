/** The unix socket stand-in tools ask: one JSON line with a ToolRequest in, one JSON line with a ToolReply out, then the end. */
import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { InvalidArgumentError, describeError } from "../../../proto/base/errors.js";
import type { ToolReply, ToolRequest } from "../kernel.js";

/** sun_path has 108 bytes, its terminating NUL included. */
const maximumPathBytes = 100;
const maximumRequestBytes = 1 << 20;

export interface MachineSocket {
  readonly path: string;
  /** Closes the socket and every connection. Idempotent. */
  close(): Promise<void>;
}

/** Listens at `path`, which must be short. Throws InvalidArgumentError, and what listening throws. */
export async function listenForTools(path: string, answer: (request: ToolRequest) => Promise<ToolReply>): Promise<MachineSocket> {
  if (Buffer.byteLength(path) > maximumPathBytes) {
    throw new InvalidArgumentError(`machine socket ${path}: longer than ${maximumPathBytes} bytes; use a shorter directory`);
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

function serve(connection: Socket, answer: (request: ToolRequest) => Promise<ToolReply>): void {
  const chunks: Buffer[] = [];
  let received = 0;
  connection.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    received += chunk.length;
    if (!chunk.includes(0x0a) && received <= maximumRequestBytes) return;
    connection.pause();
    const line = Buffer.concat(chunks).toString("utf8");
    void replyTo(line, answer).then((reply) => connection.end(`${JSON.stringify(reply)}\n`));
  });
}

async function replyTo(line: string, answer: (request: ToolRequest) => Promise<ToolReply>): Promise<ToolReply> {
  try {
    return await answer(parseToolRequest(JSON.parse(line)));
  } catch (error) {
    return { exitCode: 126, stderr: `machine: ${describeError(error)}\n` };
  }
}

function parseToolRequest(value: unknown): ToolRequest {
  if (typeof value === "object" && value !== null && "op" in value && "argv" in value && "cwd" in value) {
    const { op, argv, cwd } = value;
    const words: unknown[] | undefined = Array.isArray(argv) ? argv : undefined;
    if (typeof op === "string" && typeof cwd === "string" && words?.every((word): word is string => typeof word === "string") === true) {
      return { op, argv: words, cwd };
    }
  }
  throw new InvalidArgumentError('a request is one line: {"op":"dmesg","argv":[],"cwd":"/"}');
}
