/** This agent's place in the lab: a certificate, got once for a join token, kept in the state directory, renewed in good time. */
import { Backoff } from "../proto/base/backoff.js";
import { sleep, type Clock } from "../proto/base/clock.js";
import { AuthenticationError, describeError, LabError, NotFoundError } from "../proto/base/errors.js";
import type { Logger } from "../proto/base/logger.js";
import { loadIdentity, renewalDue, saveIdentity, type Identity } from "../proto/rpc/identity.js";
import { joinLab, renewIdentity } from "../proto/rpc/join.js";
import { describeCertificate } from "../proto/rpc/peer.js";

export interface MembershipOptions {
  /** Directory of key.pem, cert.pem and ca.pem. */
  readonly directory: string;
  readonly name: string;
  /** HOST:PORT of the controller. */
  readonly controller: string;
  /** Undefined when none was given; only needed while there is no certificate. */
  readonly joinToken: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Renewal has a third of a certificate's life, weeks, to succeed. */
const renewalCheckMs = 3_600_000;

export class Membership {
  readonly #options: MembershipOptions;
  #identity: Identity;

  private constructor(options: MembershipOptions, identity: Identity) {
    this.#options = options;
    this.#identity = identity;
  }

  /**
   * The membership there is, or a new one for the token; a controller that does not answer is waited for. One that has expired is
   * exchanged for a new one where there is a token; where not, or when the token is refused, the agent goes on with what it has: its
   * consoles must be captured whoever asks for them. Throws AuthenticationError without certificate and token, for a refused token
   * without certificate, and for a certificate that carries another name.
   */
  static async open(options: MembershipOptions): Promise<Membership> {
    const stored = await load(options.directory);
    const expired = stored !== undefined && describeCertificate(stored.certificatePem).untilMs <= options.clock.now();
    const identity = stored === undefined ? await join(options) : expired ? await rejoin(options, stored) : stored;
    const holder = describeCertificate(identity.certificatePem).peer?.name;
    if (holder !== options.name) {
      throw new AuthenticationError(
        `agent ${options.name}: the certificate in ${options.directory} is ${holder ?? "nobody"}'s; use the state directory of ${options.name}`,
      );
    }
    return new Membership(options, identity);
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Renews when two thirds of the certificate's life have passed. Ends when the signal aborts. */
  async keepRenewed(): Promise<void> {
    const { clock, log, signal, controller, directory } = this.#options;
    while (!signal.aborted) {
      if (renewalDue(this.#identity, clock.now())) {
        try {
          this.#identity = await renewIdentity(controller, this.#identity, { clock, signal });
          await saveIdentity(directory, this.#identity);
          log.info("certificate renewed");
        } catch (err) {
          log.warn({ err }, "certificate could not be renewed; trying again in an hour");
        }
      }
      await sleep(clock, renewalCheckMs, { signal }).catch(() => undefined);
    }
  }
}

async function load(directory: string): Promise<Identity | undefined> {
  try {
    return await loadIdentity(directory);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/** The controller turns an expired certificate away, so only a token helps; `stored` when there is none that is accepted. */
async function rejoin(options: MembershipOptions, stored: Identity): Promise<Identity> {
  const { name, log } = options;
  const nextStep = `lab token agent ${name}, and start the agent with that token`;
  if (options.joinToken === undefined) {
    log.error({ nextStep }, "certificate has expired: the controller will not let this agent in without a new token");
    return stored;
  }
  try {
    return await join(options);
  } catch (err) {
    if (options.signal.aborted) throw err;
    log.error({ err, nextStep }, "certificate has expired, and the token for a new one was refused");
    return stored;
  }
}

async function join(options: MembershipOptions): Promise<Identity> {
  const { name, controller, joinToken, directory, clock, log, signal } = options;
  if (joinToken === undefined) {
    throw new AuthenticationError(
      `agent ${name}: has no certificate in ${directory} and no join token; make one with: lab token agent ${name}`,
    );
  }
  const backoff = new Backoff({ initialMs: 250, capMs: 15_000, stableMs: 60_000 });
  for (;;) {
    try {
      const { name: joinedAs, ...identity } = await joinLab(controller, joinToken, { clock, signal });
      await saveIdentity(directory, identity);
      log.info({ controller, joinedAs }, "joined the lab");
      return identity;
    } catch (error) {
      if (!(error instanceof LabError) || (error.code !== "unreachable" && error.code !== "deadline")) throw error;
      log.warn({ controller, reason: describeError(error) }, "could not join yet; trying again");
    }
    await sleep(clock, backoff.nextDelayMs(0), { signal });
  }
}
