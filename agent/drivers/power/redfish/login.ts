/**
 * Who we are to a service: a session, opened once and used until it is refused or closed (DSP0266, "Session login"); HTTP Basic where
 * there are no sessions. A BMC has few sessions and forgets them slowly: one that is not closed is missing to others.
 */
import { unlessAborted, withDeadline } from "../../../../proto/base/abort.js";
import type { Clock } from "../../../../proto/base/clock.js";
import { AuthenticationError, UnreachableError } from "../../../../proto/base/errors.js";
import type { Logger } from "../../../../proto/base/logger.js";
import type { Asked, HttpLine, Reply } from "./exchange.js";
import { isObject, linkIn, objectIn, pathOf, textIn } from "./json.js";
import { refusal } from "./refusal.js";

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

interface Identity {
  readonly headers: Readonly<Record<string, string>>;
  /** Path of the session, to be deleted; undefined with HTTP Basic. */
  readonly session: string | undefined;
}

/** How long the end waits for a service to close our session. */
const logoutMs = 2_000;
const usualSessions = "/redfish/v1/SessionService/Sessions";
const noSessions: ReadonlySet<number> = new Set([404, 405, 501]);

export class Login {
  readonly #label: string;
  readonly #line: HttpLine;
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** What is tried or holds; undefined when there is none. */
  #identity: Promise<Identity> | undefined;
  #closed = false;

  constructor(options: { label: string; line: HttpLine; credentials: Credentials; clock: Clock; log: Logger }) {
    this.#label = options.label;
    this.#line = options.line;
    this.#credentials = options.credentials;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /**
   * Any request as ourselves, as it was answered. A session the service does not know any more is opened anew, once: what it refused for
   * that it has not done. Throws AuthenticationError, ExhaustedError and PermissionError of the login, and what `exchange` throws.
   */
  async exchange(asked: Asked, options?: { signal?: AbortSignal | undefined }): Promise<Reply> {
    const identity = await this.identity(options);
    const reply = await this.#line.exchange(as(identity, asked), options);
    if (reply.status !== 401 || identity.session === undefined) return reply;
    this.#log.debug({ redfish: this.#label }, "session is not known any more; opening another");
    await this.#renounce(identity);
    return this.#line.exchange(as(await this.identity(options), asked), options);
  }

  /** Those who wait share one login; one that gives up does not end it for the others. */
  identity(options?: { signal?: AbortSignal | undefined }): Promise<Identity> {
    // A session opened now would be closed by nobody.
    if (this.#closed) return Promise.reject(new UnreachableError(`${this.#label}: is not looked after any more`));
    const pending = (this.#identity ??= this.#open());
    // A refusal is told to all who wait for it, and to nobody later.
    void pending.catch(() => {
      if (this.#identity === pending) this.#identity = undefined;
    });
    return unlessAborted(pending, options?.signal);
  }

  /** Closes the session; whether the service heard of it is waited for briefly. Never throws. */
  async close(): Promise<void> {
    this.#closed = true;
    const pending = this.#identity;
    this.#identity = undefined;
    if (pending === undefined) return;
    const wait = { subject: this.#label, awaited: "the end of its session", deadlineMs: logoutMs };
    try {
      await withDeadline(this.#clock, wait, async (signal) => {
        const { session, headers } = await pending;
        if (session !== undefined) await this.#line.exchange({ method: "DELETE", path: session, headers }, { signal });
      });
    } catch (err) {
      this.#log.warn({ err, redfish: this.#label }, "session could not be closed; it stays open until the service lets go of it");
    }
  }

  /** Only the identity that was refused: another may have taken its place meanwhile. */
  async #renounce(refused: Identity): Promise<void> {
    const current = await this.#identity?.catch(() => undefined);
    if (current === refused) this.#identity = undefined;
  }

  async #open(): Promise<Identity> {
    const sessions = await this.#sessionsPath();
    if (sessions === undefined) return this.#basic("the service has no sessions");
    const { user, password } = this.#credentials;
    const reply = await this.#line.exchange({ method: "POST", path: sessions, body: { UserName: user, Password: password } });
    if (noSessions.has(reply.status)) return this.#basic(`the service opens no sessions (${reply.status})`);
    if (reply.status < 200 || reply.status > 299) throw refusal(`${this.#label}: open a session`, reply, [password]);
    const token = reply.headers["x-auth-token"];
    if (typeof token !== "string" || token === "") {
      throw new AuthenticationError(`${this.#label}: open a session: ${reply.status} without a token; see the service's own log`);
    }
    const at = reply.headers.location ?? (isObject(reply.body) ? textIn(reply.body, "@odata.id") : "");
    return { headers: { "x-auth-token": token }, session: pathOf(at) ?? sessions };
  }

  /** Where sessions are opened, asked of the service root, which everybody may read; undefined = nowhere. */
  async #sessionsPath(): Promise<string | undefined> {
    const reply = await this.#line.exchange({ method: "GET", path: "/redfish/v1/" });
    // A root that is not told without credentials tells nothing of sessions either way.
    if (reply.status !== 200 || !isObject(reply.body)) return usualSessions;
    const link = linkIn(objectIn(reply.body, "Links"), "Sessions");
    return link ?? (linkIn(reply.body, "SessionService") === undefined ? undefined : usualSessions);
  }

  #basic(why: string): Identity {
    this.#log.info({ redfish: this.#label, why }, "Redfish with HTTP Basic");
    const { user, password } = this.#credentials;
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    return { headers: { authorization }, session: undefined };
  }
}

function as(identity: Identity, asked: Asked): Asked {
  return { ...asked, headers: { ...asked.headers, ...identity.headers } };
}
