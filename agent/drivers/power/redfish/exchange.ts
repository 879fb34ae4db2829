/** One HTTP request and its reply, with a deadline and a limit. Knows nothing of Redfish but that bodies are JSON. */
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { withDeadline } from "../../../../proto/base/abort.js";
import type { Clock } from "../../../../proto/base/clock.js";
import { DeadlineError, FailedError, LabError, UnreachableError } from "../../../../proto/base/errors.js";
import type { Endpoint } from "./endpoint.js";
import { TrustingAgent } from "./trust.js";

const requestMs = 30_000;
/** The largest bodies are event logs with everything in them. */
const bodyLimitBytes = 4 * 2 ** 20;
const nextStep = "check that the service is up and its address right";
const connections = { keepAlive: true, maxSockets: 2, maxFreeSockets: 1 };

export interface Asked {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Undefined when there is none or it is not JSON. */
  readonly body: unknown;
}

/** The way to one service: kept-alive connections, all requests counted. */
export class HttpLine {
  /** Requests that went out and replies that came. */
  packets = 0;
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #agent: HttpAgent;

  constructor(options: { endpoint: Endpoint; fingerprint: string; clock: Clock }) {
    this.#endpoint = options.endpoint;
    this.#clock = options.clock;
    this.#agent = options.endpoint.tls ? new TrustingAgent(options, connections) : new HttpAgent(connections);
  }

  /**
   * Any reply is a reply, whatever its status. Throws UnreachableError when none came (it stays open whether the request arrived),
   * AuthenticationError for a certificate that is not trusted, FailedError for a body beyond all measure.
   */
  async exchange(asked: Asked, options?: { signal?: AbortSignal | undefined }): Promise<Reply> {
    const { label } = this.#endpoint;
    const wait = { subject: label, awaited: `the reply to ${asked.method} ${asked.path}`, deadlineMs: requestMs };
    try {
      return await withDeadline(this.#clock, wait, (signal) => this.#withFreshConnection(asked, signal), options);
    } catch (cause) {
      // Only this wait's own deadline: the caller's goes through.
      if (cause instanceof DeadlineError && cause.awaited === wait.awaited)
        throw new UnreachableError(`${cause.message}; ${nextStep}`, { cause });
      throw cause;
    }
  }

  /** Lets go of the connections that are kept. */
  close(): void {
    this.#agent.destroy();
  }

  /** The service may close a kept connection just when it is used again. What only reads is then asked anew; nothing else ever is. */
  async #withFreshConnection(asked: Asked, signal: AbortSignal): Promise<Reply> {
    const first = await this.#ask(asked, signal);
    if (first !== "stale") return first;
    const second = asked.method === "GET" ? await this.#ask(asked, signal) : "stale";
    if (second === "stale") throw this.#unreachable(asked, "the connection was closed instead of a reply");
    return second;
  }

  #ask(asked: Asked, signal: AbortSignal): Promise<Reply | "stale"> {
    return new Promise((resolve, reject) => {
      const request = this.#request(asked);
      const onAbort = () => request.destroy();
      const fail = (error: unknown) => {
        signal.removeEventListener("abort", onAbort);
        reject(error instanceof LabError ? error : this.#unreachable(asked, messageOf(error), error));
      };
      signal.addEventListener("abort", onAbort, { once: true });
      request.once("error", (error: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
        if (!stale || signal.aborted) return fail(error);
        signal.removeEventListener("abort", onAbort);
        resolve("stale");
      });
      request.once("response", (response) => {
        this.packets += 1;
        this.#read(response, asked).then((reply) => {
          signal.removeEventListener("abort", onAbort);
          resolve(reply);
        }, fail);
      });
      request.once("finish", () => {
        this.packets += 1;
      });
      request.end(asked.body === undefined ? undefined : JSON.stringify(asked.body));
      if (signal.aborted) onAbort();
    });
  }

  #request({ method, path, headers, body }: Asked): ClientRequest {
    const { tls, host, port } = this.#endpoint;
    const length =
      body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(JSON.stringify(body)) };
    const options = {
      agent: this.#agent,
      host,
      port,
      method,
      path,
      headers: { accept: "application/json", "odata-version": "4.0", ...length, ...headers },
    };
    return tls ? httpsRequest(options) : httpRequest(options);
  }

  async #read(response: IncomingMessage, asked: Asked): Promise<Reply> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bodyLimitBytes) {
        throw new FailedError(`${this.#endpoint.label}: ${asked.method} ${asked.path}: its reply is longer than ${bodyLimitBytes} bytes`);
      }
      chunks.push(chunk);
    }
    return { status: response.statusCode ?? 0, headers: response.headers, body: parsed(Buffer.concat(chunks).toString("utf8")) };
  }

  #unreachable({ method, path }: Asked, reason: string, cause?: unknown): UnreachableError {
    const message = `${this.#endpoint.label}: ${method} ${path}: ${reason}; ${nextStep}`;
    return new UnreachableError(message, { cause });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
