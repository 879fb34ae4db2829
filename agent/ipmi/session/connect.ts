/** A route, a login over it, a session on it. */
import { UnreachableError } from "../../../proto/base/errors.js";
import type { Clock } from "../../../proto/base/clock.js";
import { setSessionPrivilegeLevel } from "../command/index.js";
import { privilege } from "../wire/index.js";
import type { Remote, Transport } from "../transport/index.js";
import type { HandshakePlan } from "./handshake.js";
import { beginLogin, type Random } from "./login.js";
import { Session } from "./session.js";

export interface ConnectDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
}

export interface Connection {
  readonly session: Session;
  /** Closes the session, then the route. */
  close(): Promise<void>;
  /** Forgets the session without waiting for the BMC's consent, then closes the route. */
  abandon(): void;
}

/** Opens a session with the privilege of the plan. Throws UnreachableError, AuthenticationError, PermissionError, UnsupportedError… */
export async function connect(
  remote: Remote,
  plan: HandshakePlan,
  settings: { readonly checksums: boolean },
  deps: ConnectDependencies,
  options?: { signal?: AbortSignal | undefined },
): Promise<Connection> {
  let receive: (datagram: Uint8Array) => void = () => undefined;
  let lastSendError: Error | undefined;
  const route = await deps.transport.open(remote, {
    received: (datagram) => receive(datagram),
    sendFailed: (error) => {
      lastSendError = error;
    },
  });
  const channel = { clock: deps.clock, random: deps.random, send: (datagram: Uint8Array) => route.send(datagram) };
  try {
    const login = beginLogin(plan, channel, options);
    receive = (datagram) => login.received(datagram);
    const established = await login.result;
    const session = new Session(established, { subject: plan.subject, userKey: plan.userKey, checksums: settings.checksums }, channel);
    receive = (datagram) => session.received(datagram);
    const connection: Connection = {
      session,
      async close() {
        await session.close();
        route.close();
      },
      abandon() {
        session.abandon();
        route.close();
      },
    };
    try {
      // A session starts at user level whatever was asked for (IPMI v2.0 §22.18).
      if (plan.privilege > privilege.user) await session.request(setSessionPrivilegeLevel, { privilege: plan.privilege }, options);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  } catch (error) {
    route.close();
    if (error instanceof UnreachableError && lastSendError !== undefined) {
      throw new UnreachableError(`${error.message}; sending failed: ${lastSendError.message}`, {
        facts: error.facts,
        cause: lastSendError,
      });
    }
    throw error;
  }
}
