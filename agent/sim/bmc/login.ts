/** The BMC's half of the RMCP+ handshake: Open Session, RAKP 1 and 2, RAKP 3 and 4 (IPMI v2.0 §13.17–13.24). */
import { randomBytes } from "node:crypto";
import {
  type CipherSuite,
  createSealedPackets,
  deriveSessionKeys,
  equalSecrets,
  rakp2Code,
  rakp3Code,
  rakp4Check,
  suiteOfAlgorithms,
} from "../../ipmi/crypto/index.js";
import {
  decode,
  encode,
  openSessionReply,
  openSessionRequest,
  privilege,
  rakp1,
  rakp2,
  rakp3,
  rakp4,
  rakpStatus,
  role,
} from "../../ipmi/wire/index.js";
import type { ActiveFaults } from "./faults/index.js";
import type { Peer } from "./session.js";
import type { Sessions } from "./sessions.js";

/** The one user of a simulated BMC. */
export interface BmcUser {
  readonly name: Uint8Array;
  /** K_uid. */
  readonly key: Uint8Array;
  readonly privilegeLimit: number;
}

export interface LoginOptions {
  readonly sessions: Sessions;
  readonly user: BmcUser;
  /** K_g; undefined = none is set. */
  readonly kg: Uint8Array | undefined;
  readonly guid: Uint8Array;
  readonly suites: readonly CipherSuite[];
  readonly faults: ActiveFaults;
}

export class Login {
  readonly #options: LoginOptions;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** The payload that answers Open Session Request. Throws MalformedPacketError. */
  openSession(payload: Uint8Array, peer: Peer): Uint8Array {
    const { tag, maximumPrivilege, consoleSessionId, ...algorithms } = decode(openSessionRequest, payload, "Open Session Request");
    const { authentication, integrity, confidentiality } = algorithms;
    const { sessions, user, faults } = this.#options;
    const suites = faults.suites(this.#options.suites);
    const head = { tag, maximumPrivilege, consoleSessionId };
    const refuse = (status: number) => encode(openSessionReply, { ...head, status, body: undefined });
    const suite = suiteOfAlgorithms({ authentication, integrity, confidentiality });
    if (suite === undefined || !suites.includes(suite)) return refuse(rakpStatus.noCipherSuiteMatch);
    const askedPrivilege = maximumPrivilege & 0x0f;
    const privilegeLimit = lesserPrivilege(askedPrivilege, user.privilegeLimit);
    const session = sessions.open({ consoleId: consoleSessionId, suite, askedPrivilege, privilegeLimit, peer });
    if (session === undefined) return refuse(rakpStatus.noResources);
    const body = { managedSessionId: session.managedId, authentication, integrity, confidentiality };
    return encode(openSessionReply, { ...head, status: rakpStatus.ok, maximumPrivilege: privilegeLimit, body });
  }

  /** The payload of RAKP 2. A wrong password shows only to the console, which finds a code it cannot have made. */
  rakp1(payload: Uint8Array): Uint8Array | undefined {
    const request = decode(rakp1, payload, "RAKP 1");
    const { sessions, user, guid, faults } = this.#options;
    const session = sessions.find(request.managedSessionId);
    if (session === undefined || session.sealed !== undefined) return undefined;
    const head = { tag: request.tag, consoleSessionId: session.consoleId };
    const refuse = (status: number) => {
      sessions.close(session);
      return encode(rakp2, { ...head, status, body: undefined });
    };
    const asked = decode(role, Uint8Array.of(request.role), "role").privilege;
    const found = faults.lookUp({ role: request.role, userName: request.userName, openSessionPrivilege: session.askedPrivilege });
    if (typeof found === "number") return refuse(found);
    if (!equalSecrets(withoutFilling(request.userName), user.name)) return refuse(rakpStatus.unauthorizedName);
    if (asked > user.privilegeLimit) return refuse(rakpStatus.unauthorizedRole);
    session.privilegeLimit = lesserPrivilege(asked, session.privilegeLimit);
    session.rakp ??= {
      consoleSessionId: session.consoleId,
      managedSessionId: session.managedId,
      consoleRandom: request.consoleRandom,
      managedRandom: randomBytes(16),
      managedGuid: guid,
      role: found.role,
      userName: found.userName,
    };
    const authCode = rakp2Code(session.suite, user.key, session.rakp);
    const body = { managedRandom: session.rakp.managedRandom, managedGuid: guid, authCode };
    return encode(rakp2, { ...head, status: rakpStatus.ok, body });
  }

  /** The payload of RAKP 4; undefined when the console gave up or there is nothing to continue. After it the session is active. */
  rakp3(payload: Uint8Array): Uint8Array | undefined {
    const request = decode(rakp3, payload, "RAKP 3");
    const { sessions, user, kg } = this.#options;
    const session = sessions.find(request.managedSessionId);
    const facts = session?.rakp;
    if (session === undefined || facts === undefined || session.sealed !== undefined) return undefined;
    if (request.body === undefined) {
      sessions.close(session);
      return undefined;
    }
    const head = { tag: request.tag, consoleSessionId: session.consoleId };
    if (!equalSecrets(request.body.authCode, rakp3Code(session.suite, user.key, facts))) {
      sessions.close(session);
      return encode(rakp4, { ...head, status: rakpStatus.invalidIntegrityCheck, body: undefined });
    }
    const keys = deriveSessionKeys(session.suite, kg, user.key, facts);
    session.sealed = createSealedPackets(session.suite, keys, user.key);
    return encode(rakp4, { ...head, status: rakpStatus.ok, body: { integrityCheck: rakp4Check(session.suite, keys.sik, facts) } });
  }
}

/** A user name as it is kept: some consoles fill it to 16 bytes with zeros. */
function withoutFilling(name: Uint8Array): Uint8Array {
  const end = name.indexOf(0);
  return end < 0 ? name : name.subarray(0, end);
}

/** The lower of two levels, where 0 asks for the highest. */
function lesserPrivilege(asked: number, limit: number): number {
  return asked === privilege.highest ? limit : Math.min(asked, limit);
}
