/** A Redfish service on a TCP port, by https or by http. */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { UnreachableError } from "../../../proto/base/errors.js";
import type { SelfSigned } from "./certificate.js";
import { RedfishFaults } from "./faults.js";
import { malformed, type RedfishReply, type RedfishRequest } from "./message.js";
import { type RedfishServiceOptions, SimulatedRedfish } from "./service.js";

export interface RedfishServer {
  /** "https://127.0.0.1:8443". */
  readonly url: string;
  /** Of its certificate; undefined with plain http. */
  readonly fingerprint: string | undefined;
  readonly service: SimulatedRedfish;
  readonly faults: RedfishFaults;
  /** Every request so far: "GET /redfish/v1". */
  readonly requests: readonly string[];
  /** Closes every connection there is; new ones are let in. */
  cutConnections(): void;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface RedfishServerOptions extends Omit<RedfishServiceOptions, "faults"> {
  /** Undefined = plain http. */
  readonly certificate?: SelfSigned | undefined;
  readonly faults?: RedfishFaults;
  /** How late a slow service answers. */
  readonly slowMs?: number;
}

const bodyLimitBytes = 64 * 1024;
/** More than anybody would read. */
const endlessBytes = 8 * 2 ** 20;
const keptRequests = 10_000;

/** Binds and serves until closed. `port` 0 = any free one. Throws UnreachableError when the address cannot be bound. */
export async function serveRedfish(at: { address: string; port: number }, options: RedfishServerOptions): Promise<RedfishServer> {
  const { certificate, faults = new RedfishFaults(), slowMs = 0, clock } = options;
  const service = new SimulatedRedfish({ ...options, faults });
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    void readRequest(incoming).then((request) => {
      if (request === undefined) return send(outgoing, malformed());
      requests.push(`${request.method} ${request.path}`);
      if (requests.length > keptRequests) requests.shift();
      if (faults.strikes("silent")) return;
      const reply = service.answer(request);
      const acted = request.method === "POST" && request.path.endsWith(".Reset") && reply.status < 300;
      if (acted && faults.strikes("drops-reply")) return void incoming.socket.destroy();
      const shown = acted && faults.strikes("breaks-after-acting") ? { status: 500 } : reply;
      const told = faults.strikes("endless-reply") ? { ...shown, body: "x".repeat(endlessBytes) } : shown;
      if (!faults.strikes("slow")) return send(outgoing, told);
      clock.after(slowMs, () => send(outgoing, told), { background: true });
    });
  };
  const server =
    certificate === undefined
      ? createHttpServer(onRequest)
      : createHttpsServer({ cert: certificate.certificatePem, key: certificate.keyPem }, onRequest);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `simulated Redfish: cannot bind ${at.address}:${at.port}; choose an address of this machine and a free port`;
      reject(new UnreachableError(message, { cause }));
    });
    server.listen(at.port, at.address, () => resolve());
  });
  const { address, port, family } = server.address() as AddressInfo;
  const host = family === "IPv6" ? `[${address}]` : address;
  const cutConnections = () => {
    for (const socket of sockets) socket.destroy();
  };
  let closed: Promise<void> | undefined;
  return {
    url: `${certificate === undefined ? "http" : "https"}://${host}:${port}`,
    fingerprint: certificate?.fingerprint,
    service,
    faults,
    requests,
    cutConnections,
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        cutConnections();
      });
      return closed;
    },
  };
}

/** Undefined when it is too long to be one. */
async function readRequest(incoming: IncomingMessage): Promise<RedfishRequest | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bodyLimitBytes) return undefined;
      chunks.push(chunk);
    }
  } catch {
    // Whoever asked is gone; nobody reads the reply.
    return undefined;
  }
  const [target = ""] = (incoming.url ?? "").split("?", 1);
  const path = target.replace(/%24/g, "$").replace(/\/+$/, "");
  return { method: incoming.method ?? "GET", path, headers: incoming.headers, body: parsed(Buffer.concat(chunks).toString("utf8")) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(outgoing: ServerResponse, { status, headers = {}, body }: RedfishReply): void {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const type = text === "" ? {} : { "content-type": "application/json; charset=utf-8" };
  outgoing.writeHead(status, { "odata-version": "4.0", "cache-control": "no-cache", ...type, ...headers });
  outgoing.end(text);
}
