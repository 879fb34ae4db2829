/** A place in the window, a route, a login over it, a session on it; once more with a workaround when the BMC turns out to need one. */
import { unlessAborted } from "../../../proto/base/abort.js";
import { ExhaustedError, PermissionError, UnreachableError, type LabError } from "../../../proto/base/errors.js";
import type { Clock, Timer } from "../../../proto/base/clock.js";
import { setSessionPrivilegeLevel } from "../command/index.js";
import { forgetKeys } from "../crypto/index.js";
import type { Quirk } from "../quirks.js";
import { describeCompletion, privilege } from "../wire/index.js";
import type { Remote, Transport } from "../transport/index.js";
import type { Deviation, Remedy } from "./deviations.js";
import type { EstablishedSession, HandshakePlan } from "./handshake.js";
import { LoginRoute } from "./login-route.js";
import { placeKeptMs, type LoginWindow } from "./login-window.js";
import { beginLogin, type Random } from "./login.js";
import { WrongPasswordError } from "./refusals.js";
import { Session } from "./session.js";

export interface ConnectDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  /** Shared by every BMC of a process. */
  readonly logins: LoginWindow;
}

export interface Connection {
  readonly session: Session;
  /** Workarounds found out by this login, now in use. */
  readonly learned: readonly Deviation[];
  /** Closes the session, then the route. */
  close(): Promise<void>;
  /** Forgets the session without waiting for the BMC's consent, then closes the route. */
  abandon(): void;
}

export interface ConnectSettings {
  /** How to log in with these workarounds beside those already known. */
  readonly plan: (found: ReadonlySet<Quirk>) => HandshakePlan;
  /** A workaround found out later, in an established session. */
  readonly onDeviation: (deviation: Deviation) => void;
  /** How many logins may end at a password, because BMCs lock accounts; default 2: a damaged message looks like a wrong password once. */
  readonly passwords?: number;
}

/** Logins one call may make: a user name refused twice for how it was put, then a password twice. */
const loginsInAll = 4;
const passwordsInAll = 2;

/** Opens a session with the privilege of the plan. Throws UnreachableError, AuthenticationError, PermissionError, UnsupportedError… */
export async function connect(
  remote: Remote,
  settings: ConnectSettings,
  deps: ConnectDependencies,
  options?: { signal?: AbortSignal | undefined },
): Promise<Connection> {
  let found: readonly Deviation[] = [];
  let passwords = settings.passwords ?? passwordsInAll;
  let refusal: WrongPasswordError | undefined;
  for (let login = 1; ; login += 1) {
    const plan = settings.plan(new Set(found.map(({ name }) => name)));
    const outcome = await connectOnce(remote, plan, { settings, found }, deps, options);
    if ("connection" in outcome) return outcome.connection;
    const { error, remedy } = outcome;
    if (error instanceof WrongPasswordError) {
      refusal = error;
      passwords -= 1;
    }
    // After a K_g that does not fit, the BMC has a session nobody can close, and may have no room for another.
    if (refusal !== undefined && error instanceof ExhaustedError) throw refusal;
    if (remedy === undefined || login === loginsInAll || passwords === 0) throw error;
    // Each includes the one before: intel20 looks users up by privilege, too.
    if (remedy.kind === "quirk") found = [remedy.deviation];
  }
}

type Outcome = { readonly connection: Connection } | { readonly error: LabError; readonly remedy: Remedy | undefined };

async function connectOnce(
  remote: Remote,
  plan: HandshakePlan,
  { settings, found }: { settings: ConnectSettings; found: readonly Deviation[] },
  deps: ConnectDependencies,
  options?: { signal?: AbortSignal | undefined },
): Promise<Outcome> {
  const place = new Place(await deps.logins.enter(options), deps.clock);
  const route = new LoginRoute(deps.transport, remote);
  try {
    // Looking up a name can take longer than anybody waits.
    await unlessAborted(route.settled(), options?.signal);
    const login = beginLogin(
      plan,
      {
        clock: deps.clock,
        random: deps.random,
        send: (datagram) => route.send(datagram),
        changePort: () => route.changePort(),
      },
      options,
    );
    route.listener = (datagram) => {
      place.keep();
      login.received(datagram);
    };
    const outcome = await login.result;
    if ("error" in outcome) {
      route.close();
      return { error: withSendError(outcome.error, route.lastSendError), remedy: outcome.remedy };
    }
    const connection = await establish(outcome.established, plan, route, { settings, found, deps });
    await raisePrivilege(connection, plan, options);
    return { connection };
  } catch (error) {
    route.close();
    throw error;
  } finally {
    place.giveBack();
  }
}

async function establish(
  established: EstablishedSession,
  plan: HandshakePlan,
  loginRoute: LoginRoute,
  { settings, found, deps }: { settings: ConnectSettings; found: readonly Deviation[]; deps: ConnectDependencies },
): Promise<Connection> {
  const route = await loginRoute.settled().catch((error: unknown) => {
    forgetKeys(established.keys);
    throw error;
  });
  const { checksums, subject } = plan;
  const session = new Session(
    established,
    { subject, userKey: established.userKey, checksums, onDeviation: settings.onDeviation },
    { clock: deps.clock, random: deps.random, send: (datagram) => route.send(datagram) },
  );
  loginRoute.listener = (datagram) => session.received(datagram);
  return {
    session,
    learned: [...found, ...established.deviations],
    async close() {
      await session.close();
      route.close();
    },
    abandon() {
      session.abandon();
      route.close();
    },
  };
}

/** A session starts at user level whatever was asked for (IPMI v2.0 §22.18). Closes the session when it cannot be raised. */
async function raisePrivilege(connection: Connection, plan: HandshakePlan, options?: { signal?: AbortSignal | undefined }): Promise<void> {
  if (plan.privilege <= privilege.user) return;
  try {
    const { code } = await connection.session.exchange(setSessionPrivilegeLevel, { privilege: plan.privilege }, options);
    if (code === 0) return;
    const reason = describeCompletion(code, setSessionPrivilegeLevel.completions);
    throw new PermissionError(
      `${plan.subject}: refuses the session's privilege level: ${reason}; ask for a lower one or raise the user's`,
      {
        facts: { bmc: plan.subject, completionCode: code },
      },
    );
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** A place in the window, given back at the end or as soon as the BMC is silent. */
class Place {
  readonly #clock: Clock;
  readonly #leave: () => void;
  #timer: Timer;
  #given = false;

  constructor(leave: () => void, clock: Clock) {
    this.#leave = leave;
    this.#clock = clock;
    this.#timer = clock.after(placeKeptMs, leave);
  }

  /** The BMC said something. */
  keep(): void {
    if (this.#given) return;
    this.#timer.cancel();
    this.#timer = this.#clock.after(placeKeptMs, this.#leave);
  }

  giveBack(): void {
    this.#given = true;
    this.#timer.cancel();
    this.#leave();
  }
}

function withSendError(error: LabError, cause: Error | undefined): LabError {
  if (cause === undefined || !(error instanceof UnreachableError)) return error;
  return new UnreachableError(`${error.message}; sending failed: ${cause.message}`, { facts: error.facts, cause });
}
