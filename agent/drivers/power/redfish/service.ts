/** A Redfish service as we use it: resources read, patched and acted on as one user over one session. */
import type { Clock } from "../../../../proto/base/clock.js";
import { FailedError, InvalidArgumentError } from "../../../../proto/base/errors.js";
import type { Logger } from "../../../../proto/base/logger.js";
import { parseEndpoint } from "./endpoint.js";
import { type Asked, HttpLine, type Reply } from "./exchange.js";
import { isObject, type Json, textIn } from "./json.js";
import { Login } from "./login.js";
import { refusal } from "./refusal.js";

export interface ServiceTarget {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly fingerprint: string;
}

export interface Resource {
  readonly path: string;
  readonly json: Json;
  /** For If-Match; undefined when the service gives none. */
  readonly etag: string | undefined;
}

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export class RedfishService {
  /** For messages: "redfish https://10.0.1.10". */
  readonly label: string;
  readonly #line: HttpLine;
  readonly #login: Login;
  readonly #secrets: readonly string[];

  /** Sends nothing before it is used. Throws InvalidArgumentError for a URL it cannot or must not go to. */
  constructor(target: ServiceTarget, { clock, log }: { clock: Clock; log: Logger }) {
    const endpoint = parseEndpoint(target.url);
    this.label = endpoint.label;
    this.#line = new HttpLine({ endpoint, fingerprint: target.fingerprint, clock });
    const credentials = { user: target.username, password: target.password };
    this.#login = new Login({ label: endpoint.label, line: this.#line, credentials, clock, log });
    this.#secrets = [target.password];
  }

  /** Requests that went out and replies that came. */
  get packets(): number {
    return this.#line.packets;
  }

  /** True while there is a session; false with HTTP Basic. Logs in when nobody has yet. */
  async hasSession(options?: Waiting): Promise<boolean> {
    return (await this.#login.identity(options)).session !== undefined;
  }

  /** Throws what the service's refusal stands for, and FailedError for what is no JSON object. */
  async get(path: string, options?: Waiting): Promise<Resource> {
    const reply = await this.#exchange({ method: "GET", path }, "read", options);
    if (!isObject(reply.body)) throw new FailedError(`${this.label}: GET ${path}: the reply is no JSON object; is this a Redfish service?`);
    const etag = reply.headers.etag ?? textIn(reply.body, "@odata.etag");
    return { path, json: reply.body, etag: etag === "" ? undefined : etag };
  }

  /** Changes properties of a resource as it was read. ConflictError when it has changed since. */
  async patch({ path, etag }: Resource, body: Json, options?: Waiting): Promise<void> {
    const patch = (match: string | undefined) =>
      this.#login.exchange({ method: "PATCH", path, body, headers: match === undefined ? {} : { "if-match": match } }, options);
    const reply = await patch(etag);
    // If-Match compares strongly (RFC 9110 §13.1.1): some services that give a weak tag want to see it so.
    const strong = etag?.startsWith("W/") === true ? etag.slice(2) : undefined;
    this.#check(reply.status === 412 && strong !== undefined ? await patch(strong) : reply, `change ${path}`);
  }

  /** Acts, **once**: UnreachableError leaves it open whether the service did. */
  async post(path: string, body: Json, action: string, options?: Waiting): Promise<void> {
    await this.#exchange({ method: "POST", path, body }, action, options);
  }

  /** Closes the session and lets go of the connections. Idempotent. */
  async close(): Promise<void> {
    await this.#login.close();
    this.#line.close();
  }

  async #exchange(asked: Asked, action: string, options?: Waiting): Promise<Reply> {
    const reply = await this.#login.exchange(asked, options);
    this.#check(reply, action === "read" ? `read ${asked.path}` : action);
    return reply;
  }

  #check(reply: Reply, action: string): void {
    if (reply.status < 200 || reply.status > 299) throw refusal(`${this.label}: ${action}`, reply, this.#secrets);
  }
}

interface Pooled {
  readonly target: ServiceTarget;
  readonly service: RedfishService;
  holders: number;
}

/** Services by URL: several machines of one chassis share its session, because a service has few. */
export class RedfishServices {
  readonly #deps: { clock: Clock; log: Logger };
  readonly #pooled = new Map<string, Pooled>();

  constructor(deps: { clock: Clock; log: Logger }) {
    this.#deps = deps;
  }

  /** Throws InvalidArgumentError for an impossible URL, and when the service is held with other credentials. The last to release closes it. */
  acquire(target: ServiceTarget): { service: RedfishService; release: () => Promise<void> } {
    const pooled = this.#pooled.get(target.url) ?? { target, service: new RedfishService(target, this.#deps), holders: 0 };
    if (!sameTarget(pooled.target, target)) {
      throw new InvalidArgumentError(
        `${pooled.service.label}: two nodes name it with different credentials or fingerprints; a service has one session here`,
      );
    }
    pooled.holders += 1;
    this.#pooled.set(target.url, pooled);
    let held = true;
    return {
      service: pooled.service,
      release: async () => {
        if (!held) return;
        held = false;
        pooled.holders -= 1;
        if (pooled.holders > 0) return;
        if (this.#pooled.get(target.url) === pooled) this.#pooled.delete(target.url);
        await pooled.service.close();
      },
    };
  }

  /** Closes every session, held or not. Idempotent. */
  async close(): Promise<void> {
    const pooled = [...this.#pooled.values()];
    this.#pooled.clear();
    await Promise.all(pooled.map(({ service }) => service.close()));
  }
}

function sameTarget(a: ServiceTarget, b: ServiceTarget): boolean {
  return a.username === b.username && a.password === b.password && a.fingerprint === b.fingerprint;
}
