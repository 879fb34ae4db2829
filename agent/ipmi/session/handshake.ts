/**
 * From nothing to session keys, as a reducer: Get Channel Authentication Capabilities, Open Session, RAKP 1–4 (IPMI v2.0 §13.14).
 * RAKP 1 and RAKP 3 cannot be sent again alone, so silence starts again from Open Session with a new id and a new random number.
 */
import type { LabError } from "../../../proto/base/errors.js";
import { getChannelAuthenticationCapabilities, thisChannel } from "../command/index.js";
import {
  beginsWithSecret,
  deriveSessionKeys,
  forgetKeys,
  rakp2Code,
  rakp3Code,
  rakp4Check,
  suiteOfAlgorithms,
  type CipherSuite,
  type RakpFacts,
  type SessionKeys,
} from "../crypto/index.js";
import * as wire from "../wire/index.js";
import { explainRakp2, remedyOfLostLogin, remedyOfRakp2, surplus, type Deviation, type Remedy } from "./deviations.js";
import * as refusals from "./refusals.js";

/** What does not change from one attempt to the next. */
export interface HandshakePlan {
  /** For messages: "bmc 10.0.1.10". */
  readonly subject: string;
  readonly userName: Uint8Array;
  readonly userKey: Uint8Array;
  /** The key of the password's first 16 bytes: instead of the whole with the MD5 suites when `cutPassword`. */
  readonly cutUserKey: Uint8Array;
  readonly cutPassword: boolean;
  readonly kg: Uint8Array | undefined;
  /** Asked for in Open Session and again in RAKP 1: many BMCs compute with the former, the rest with the latter ("opensesspriv"). */
  readonly privilege: number;
  /** Ask for the user's highest privilege; the session gets `privilege` afterwards. */
  readonly highestPrivilege: boolean;
  readonly nameOnlyLookup: boolean;
  /** Tried in order, at least one. */
  readonly suites: readonly CipherSuite[];
  readonly skipCapabilities: boolean;
  /** False for BMCs that compute message checksums wrong. */
  readonly checksums: boolean;
  /** How long to wait in each attempt; their number bounds the attempts. */
  readonly timeoutsMs: readonly number[];
}

/** How often it is asked what it can do before Open Session is tried without. */
const capabilityAttempts = 2;

/** What must be new in every attempt. */
export interface Fresh {
  /** Message tags count from here. */
  readonly tag: number;
  readonly consoleSessionId: number;
  readonly consoleRandom: Uint8Array;
  /** 0…63, for the one command before there is a session. */
  readonly requestSequence: number;
}

export interface EstablishedSession {
  readonly suite: CipherSuite;
  readonly keys: SessionKeys;
  /** What the password came to with this suite. */
  readonly userKey: Uint8Array;
  /** What was found out on the way. */
  readonly deviations: readonly Deviation[];
  readonly consoleSessionId: number;
  readonly managedSessionId: number;
}

interface Attempt {
  readonly number: number;
  readonly fresh: Fresh;
  readonly suiteIndex: number;
  /** Suites the BMC refused, with the status it gave. */
  readonly refused: readonly refusals.RefusedSuite[];
  /** It has not said what it can do: Open Session went out all the same. */
  readonly blind: boolean;
  readonly deviations: readonly Deviation[];
}

export type HandshakeState =
  | ({ readonly phase: "capabilities" | "opening" } & Attempt)
  | ({ readonly phase: "rakp2" | "rakp4"; readonly facts: RakpFacts } & Attempt)
  | { readonly phase: "ended" };

export type HandshakeEvent =
  | { readonly kind: "datagram"; readonly datagram: wire.Datagram }
  /** Nothing came in time. */
  | { readonly kind: "silence"; readonly fresh: Fresh };

export type HandshakeEffect =
  | { readonly kind: "send"; readonly datagram: Uint8Array }
  | { readonly kind: "wait"; readonly timeoutMs: number }
  /** What follows must come from another UDP port: some BMCs ignore a login repeated from the same. */
  | { readonly kind: "another-port" }
  | { readonly kind: "established"; readonly session: EstablishedSession }
  | { readonly kind: "failed"; readonly error: LabError; readonly remedy?: Remedy | undefined };

export interface HandshakeStep {
  readonly state: HandshakeState;
  readonly effects: readonly HandshakeEffect[];
}

/** The first step: asks the BMC what it can do. */
export function beginHandshake(plan: HandshakePlan, fresh: Fresh): HandshakeStep {
  const attempt: Attempt = { number: 0, fresh, suiteIndex: 0, refused: [], blind: false, deviations: [] };
  return plan.skipCapabilities ? openSession(plan, attempt) : askCapabilities(plan, attempt);
}

/** The next step. Datagrams that do not belong here change nothing. Throws MalformedPacketError for those that are broken. */
export function stepHandshake(plan: HandshakePlan, state: HandshakeState, event: HandshakeEvent): HandshakeStep {
  if (state.phase === "ended") return { state, effects: [] };
  if (event.kind === "silence") return startAgain(plan, state, event.fresh);
  const { datagram } = event;
  if (state.phase === "capabilities")
    return datagram.format === "v1.5" ? onCapabilities(plan, state, datagram.packet.payload) : unchanged(state);
  if (datagram.format === "v1.5" && state.blind) return unchanged({ ...state, blind: false });
  if (datagram.format !== "v2.0" || datagram.packet.sessionId !== 0) return unchanged(state);
  const { payloadType, payload } = datagram.packet;
  if (state.phase === "opening" && payloadType === wire.payloadType.openSessionReply) return onOpened(plan, state, payload);
  if (state.phase === "rakp2" && payloadType === wire.payloadType.rakp2) return onRakp2(plan, state, payload);
  if (state.phase === "rakp4" && payloadType === wire.payloadType.rakp4) return onRakp4(plan, state, payload);
  return unchanged(state);
}

function startAgain(plan: HandshakePlan, state: Exclude<HandshakeState, { phase: "ended" }>, fresh: Fresh): HandshakeStep {
  const number = state.number + 1;
  if (number >= plan.timeoutsMs.length) return fail(refusals.silent(plan, state.phase, number, state.blind));
  const attempt: Attempt = { ...attemptOf(state), number, fresh };
  if (state.phase === "capabilities") {
    // A BMC that is there may yet know nothing of this command.
    return number < capabilityAttempts ? askCapabilities(plan, attempt) : openSession(plan, { ...attempt, blind: true });
  }
  // Some BMCs say nothing to a suite they do not know; the second silence in a row is taken for that.
  const nextSuite = state.phase === "opening" && number % 2 === 0 ? (state.suiteIndex + 1) % plan.suites.length : state.suiteIndex;
  const again = openSession(plan, { ...attempt, suiteIndex: nextSuite });
  return { ...again, effects: [{ kind: "another-port" }, ...again.effects] };
}

function askCapabilities(plan: HandshakePlan, attempt: Attempt): HandshakeStep {
  const { netFn, cmd, request } = getChannelAuthenticationCapabilities;
  const payload = wire.encodeRequest({
    responderAddress: wire.bmcAddress,
    requesterAddress: wire.consoleAddress,
    netFn,
    lun: 0,
    sequence: attempt.fresh.requestSequence,
    command: cmd,
    data: wire.encode(request, { channel: { wantV20: true, number: thisChannel }, privilege: plan.privilege }),
  });
  const packet = { authenticationType: wire.authenticationType.none, sequence: 0, sessionId: 0, authCode: undefined, payload };
  return { state: { phase: "capabilities", ...attempt }, effects: [send(wire.encodeSession15(packet)), wait(plan, attempt)] };
}

function onCapabilities(plan: HandshakePlan, state: HandshakeState & Attempt, payload: Uint8Array): HandshakeStep {
  const { name, cmd, reply: layout } = getChannelAuthenticationCapabilities;
  // Nothing is proved here, and UDP has a checksum of its own: a BMC that cannot add is read all the same (nochecksumcheck).
  const reply = wire.decodeReply(payload, { checksums: false });
  if (reply.command !== cmd || reply.sequence !== state.fresh.requestSequence) return unchanged(state);
  if (reply.completionCode !== wire.completionCode.ok) return openSession(plan, state);
  const { authenticationTypes, versions } = wire.decode(layout, reply.data, name);
  // A BMC that does not set the extended bit leaves the versions unset too; only a clear "v1.5 and nothing else" is one.
  if (authenticationTypes.extended && versions.v15 && !versions.v20) return fail(refusals.onlyV15(plan));
  return openSession(plan, state);
}

function openSession(plan: HandshakePlan, attempt: Attempt): HandshakeStep {
  const { authentication, integrity, confidentiality } = suiteOf(plan, attempt);
  const { tag, consoleSessionId } = attempt.fresh;
  const request = { tag, maximumPrivilege: askedPrivilege(plan), consoleSessionId, authentication, integrity, confidentiality };
  return {
    state: { phase: "opening", ...attemptOf(attempt) },
    effects: [sendSetup(wire.payloadType.openSessionRequest, wire.encode(wire.openSessionRequest, request)), wait(plan, attempt)],
  };
}

function onOpened(plan: HandshakePlan, state: HandshakeState & Attempt, payload: Uint8Array): HandshakeStep {
  const reply = wire.decode(wire.openSessionReply, payload, "Open Session reply");
  const suite = suiteOf(plan, state);
  if (reply.tag !== state.fresh.tag || !isOurs(state, reply)) return unchanged(state);
  const chosen = reply.body;
  // Algorithms other than those proposed are a refusal in disguise (pyghmi's BMC answers SHA-1 to SHA-256).
  if (chosen === undefined || suiteOfAlgorithms(chosen) !== suite) {
    const refused = [...state.refused, { suite, status: chosen === undefined ? reply.status : wire.rakpStatus.noCipherSuiteMatch }];
    const untried = plan.suites.findIndex((each) => refused.every((refusal) => refusal.suite !== each));
    if (untried < 0) return fail(refusals.noSuite(plan, refused));
    // The tag moves on so that a late answer to the refused proposal cannot be taken for one to the next.
    const fresh = { ...state.fresh, tag: (state.fresh.tag + 1) & 0xff };
    return openSession(plan, { ...state, fresh, suiteIndex: untried, refused });
  }
  const role = wire.encode(wire.role, { nameOnlyLookup: plan.nameOnlyLookup, privilege: askedPrivilege(plan) })[0] ?? 0;
  const facts: RakpFacts = {
    consoleSessionId: state.fresh.consoleSessionId,
    managedSessionId: chosen.managedSessionId,
    consoleRandom: state.fresh.consoleRandom,
    managedRandom: new Uint8Array(16),
    managedGuid: new Uint8Array(16),
    role,
    userName: plan.userName,
  };
  const { managedSessionId, consoleRandom, userName } = facts;
  const rakp1 = { tag: tagOf(state, 1), managedSessionId, consoleRandom, role, userName };
  const symptom = "it answered Open Session, but not Get Channel Authentication Capabilities";
  const deviations: readonly Deviation[] = state.blind ? [{ name: "noauthcap", symptom }] : [];
  return {
    state: { ...attemptOf(state), deviations, phase: "rakp2", facts },
    effects: [sendSetup(wire.payloadType.rakp1, wire.encode(wire.rakp1, rakp1)), wait(plan, state)],
  };
}

function onRakp2(plan: HandshakePlan, state: HandshakeState & Attempt & { facts: RakpFacts }, payload: Uint8Array): HandshakeStep {
  const reply = wire.decode(wire.rakp2, payload, "RAKP 2");
  if (reply.tag !== tagOf(state, 1) || !isOurs(state, reply)) return unchanged(state);
  if (reply.body === undefined) return fail(refusals.refused(plan, "RAKP 1", reply.status), remedyOfRakp2(plan, reply.status));
  const suite = suiteOf(plan, state);
  const userKey = userKeyFor(plan, suite);
  const { managedRandom, managedGuid, authCode } = reply.body;
  const facts = { ...state.facts, managedRandom, managedGuid };
  const { managedSessionId } = facts;
  const expected = rakp2Code(suite, userKey, facts);
  if (!beginsWithSecret(authCode, expected)) {
    // Saying so frees the BMC's half-open session at once (§13.22).
    const giveUp = { tag: tagOf(state, 2), status: wire.rakpStatus.invalidIntegrityCheck, managedSessionId, body: undefined };
    const deviation = explainRakp2(suite, plan, facts, authCode);
    // One damaged message looks the same.
    const remedy: Remedy = deviation === undefined ? { kind: "again" } : { kind: "quirk", deviation };
    const failed = fail(refusals.wrongPassword(plan, "RAKP 2"), remedy);
    return { ...failed, effects: [sendSetup(wire.payloadType.rakp3, wire.encode(wire.rakp3, giveUp)), ...failed.effects] };
  }
  const rakp3 = {
    tag: tagOf(state, 2),
    status: wire.rakpStatus.ok,
    managedSessionId,
    body: { authCode: rakp3Code(suite, userKey, facts) },
  };
  const deviations = [...state.deviations, ...surplus("RAKP 2", expected.length, authCode)];
  return {
    state: { ...attemptOf(state), deviations, phase: "rakp4", facts },
    effects: [sendSetup(wire.payloadType.rakp3, wire.encode(wire.rakp3, rakp3)), wait(plan, state)],
  };
}

function onRakp4(plan: HandshakePlan, state: HandshakeState & Attempt & { facts: RakpFacts }, payload: Uint8Array): HandshakeStep {
  const reply = wire.decode(wire.rakp4, payload, "RAKP 4");
  if (reply.tag !== tagOf(state, 2) || !isOurs(state, reply)) return unchanged(state);
  if (reply.body === undefined) return fail(refusals.refused(plan, "RAKP 3", reply.status), remedyOfLostLogin(reply.status));
  const suite = suiteOf(plan, state);
  const userKey = userKeyFor(plan, suite);
  const keys = deriveSessionKeys(suite, plan.kg, userKey, state.facts);
  const expected = rakp4Check(suite, keys.sik, state.facts);
  if (!beginsWithSecret(reply.body.integrityCheck, expected)) {
    forgetKeys(keys);
    return fail(refusals.wrongPassword(plan, "RAKP 4"), { kind: "again" });
  }
  const { consoleSessionId, managedSessionId } = state.facts;
  const found = [...state.deviations, ...surplus("RAKP 4", expected.length, reply.body.integrityCheck)];
  const deviations = found.filter(({ name }, index) => found.findIndex((each) => each.name === name) === index);
  return {
    state: { phase: "ended" },
    effects: [{ kind: "established", session: { suite, keys, userKey, deviations, consoleSessionId, managedSessionId } }],
  };
}

/** Tags can be guessed, our random session id cannot: who names another has not heard us. Refusals may leave it out (ipmi_sim). */
function isOurs(attempt: Attempt, reply: { readonly status: number; readonly consoleSessionId: number }): boolean {
  return reply.consoleSessionId === attempt.fresh.consoleSessionId || (reply.status !== 0 && reply.consoleSessionId === 0);
}

/** 0 asks for the highest the user may have. */
function askedPrivilege({ privilege, highestPrivilege }: HandshakePlan): number {
  return highestPrivilege ? wire.privilege.highest : privilege;
}

/** What the password comes to with this suite. */
export function userKeyFor(plan: HandshakePlan, suite: CipherSuite): Uint8Array {
  return plan.cutPassword && suite.hash === "md5" ? plan.cutUserKey : plan.userKey;
}

/** The suite that is being tried. */
export function suiteOf(plan: HandshakePlan, attempt: { readonly suiteIndex: number }): CipherSuite {
  const suite = plan.suites[attempt.suiteIndex];
  if (suite === undefined) throw new RangeError(`${plan.subject}: no cipher suite to try`);
  return suite;
}

function attemptOf({ number, fresh, suiteIndex, refused, blind, deviations }: Attempt): Attempt {
  return { number, fresh, suiteIndex, refused, blind, deviations };
}

function tagOf(attempt: Attempt, step: number): number {
  return (attempt.fresh.tag + step) & 0xff;
}

function unchanged(state: HandshakeState): HandshakeStep {
  return { state, effects: [] };
}

function fail(error: LabError, remedy?: Remedy): HandshakeStep {
  return { state: { phase: "ended" }, effects: [{ kind: "failed", error, remedy }] };
}

function send(datagram: Uint8Array): HandshakeEffect {
  return { kind: "send", datagram };
}

function sendSetup(payloadType: number, payload: Uint8Array): HandshakeEffect {
  return send(wire.encodeSession20({ payloadType, encrypted: false, authenticated: false, sessionId: 0, sequence: 0, payload }));
}

function wait(plan: HandshakePlan, attempt: Attempt): HandshakeEffect {
  return { kind: "wait", timeoutMs: plan.timeoutsMs[attempt.number] ?? 0 };
}
