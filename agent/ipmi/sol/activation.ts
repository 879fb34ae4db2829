/** Getting hold of SOL: who has it, taking it over, and what the BMC says of its buffers (IPMI v2.0 §24.1–24.5). */
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { ConflictError, ExhaustedError, FailedError, UnsupportedError, type LabError } from "../../../proto/base/errors.js";
import {
  activatePayload,
  deactivatePayload,
  getPayloadActivationStatus,
  getPayloadInstanceInfo,
  getSessionInfo,
  type ReplyOf,
  type RequestOf,
} from "../command/index.js";
import type { Quirk } from "../quirks.js";
import { commandFailed, type Deviation, type Session } from "../session/index.js";
import { encode, payloadType, solHeaderLength, u32 } from "../wire/index.js";

/** Only the first: deactivating one instance can end another, and on ipmi_sim the second is a history. */
const sol = { payloadType: payloadType.sol, instance: 1 } as const;
/** Waits before the activations that follow a deactivation: some BMCs answer it before they have done it, some answer and never do it. */
const takeOverWaitsMs = [0, 500, 2000] as const;
/** Most characters of a packet (the count is one byte). */
const maximumChunk = 255;
/** For BMCs whose sizes make no sense at all: small enough for any UART buffer. */
const fallbackChunk = 32;
/** More than any packet can carry, but said by BMCs that mean it as "as much as you like". */
const largestSize = 2048;
const usualPort = 623;

export interface Activation {
  readonly subject: string;
  /** Take SOL from whoever has it. */
  readonly steal: boolean;
  /** Session ids that were ours before: their SOL may be taken back without asking. */
  readonly formerIds: ReadonlySet<number>;
  readonly clock: Clock;
  /** The UDP port of the session. */
  readonly port: number;
  readonly quirks: { has(name: Quirk): boolean };
}

export interface Activated {
  /** Most characters a packet may carry. */
  readonly chunkBytes: number;
  /** What the BMC's answer told that cannot be so. */
  readonly deviations: readonly Deviation[];
}

/** The BMC does not give up a SOL that is ours: it has lost sight of what this session has, and only another session cures that. */
export class StuckSolError extends FailedError {}

/**
 * Activates SOL on this session. Throws ConflictError when another session has it and `steal` is not set, UnsupportedError when it is
 * disabled, ExhaustedError when the BMC allows no more, FailedError when it stays active elsewhere however often it is deactivated,
 * StuckSolError when that is this very session.
 */
export async function activateSol(
  session: Session,
  activation: Activation,
  options?: { signal?: AbortSignal | undefined },
): Promise<Activated> {
  if (!activation.quirks.has("solstatus")) await makeFree(session, activation, options);
  const request = { ...sol, options: activationOptions(activation.quirks) };
  let ours = false;
  for (const waitMs of takeOverWaitsMs) {
    if (waitMs > 0) await sleep(activation.clock, waitMs, options);
    const { code, reply } = await session.exchange(activatePayload, request, options);
    if (reply !== undefined) return { chunkBytes: chunkOf(reply, activation), deviations: deviationsOf(reply, activation.port) };
    if (code !== 0x80) throw activationFailed(activation, code);
    ours = await takeOver(session, activation, options);
  }
  const { subject } = activation;
  const [StayedError, where] = ours ? [StuckSolError, "in our own session"] : [FailedError, "elsewhere"];
  throw new StayedError(
    `${subject}: SOL stays active ${where} after ${takeOverWaitsMs.length} deactivations; disable and enable SOL in the BMC`,
    { facts: { bmc: subject } },
  );
}

/** Ends SOL on this session; "already inactive" is as good. */
export async function deactivateSol(session: Session, options?: { signal?: AbortSignal | undefined }): Promise<void> {
  const { code } = await session.exchange(deactivatePayload, sol, options);
  if (code !== 0 && code !== 0x80) throw commandFailed("SOL", deactivatePayload, code);
}

/** Ends a SOL that may have come about on this session after nobody waited for it any more. Somebody else's is left alone. */
export async function giveBackSol(session: Session): Promise<void> {
  const owner = await solOwner(session);
  if (owner === session.ids.console || owner === session.ids.managed) await deactivateSol(session);
}

/** Whether the BMC says that SOL is active in any session; undefined when it does not tell. */
export async function solActive(session: Session, options?: { signal?: AbortSignal | undefined }): Promise<boolean | undefined> {
  const { reply } = await session.exchange(getPayloadActivationStatus, { payloadType: sol.payloadType }, options);
  return reply === undefined ? undefined : (reply.active & 1) !== 0;
}

/** The session id the BMC gives for SOL's owner; 0 = nobody, undefined = the BMC does not tell. */
export async function solOwner(session: Session, options?: { signal?: AbortSignal | undefined }): Promise<number | undefined> {
  const { reply } = await session.exchange(getPayloadInstanceInfo, sol, options);
  return reply?.sessionId;
}

/** Index of Get Session Info: this session, and the one with an id. */
const thisSession = 0;
const sessionById = 0xff;

/**
 * Whose the session with this id is, by the handles the BMC gives for it and for this session; undefined when it knows of no such
 * session or does not tell.
 */
export async function whoseSession(
  session: Session,
  id: number,
  options?: { signal?: AbortSignal | undefined },
): Promise<"ours" | "another's" | undefined> {
  const idOrHandle = encode(u32, id);
  const named = await session.exchange(getSessionInfo, { index: sessionById, idOrHandle }, options);
  if (named.reply === undefined || named.reply.handle === 0) return undefined;
  const mine = await session.exchange(getSessionInfo, { index: thisSession, idOrHandle: new Uint8Array(0) }, options);
  if (mine.reply === undefined || mine.reply.handle === 0) return undefined;
  return mine.reply.handle === named.reply.handle ? "ours" : "another's";
}

async function makeFree(session: Session, activation: Activation, options?: { signal?: AbortSignal | undefined }): Promise<void> {
  if ((await solActive(session, options)) === true) await takeOver(session, activation, options);
}

/** Deactivates somebody's SOL: our own left-over always, another's only when asked to. True when it is this session's. */
async function takeOver(session: Session, activation: Activation, options?: { signal?: AbortSignal | undefined }): Promise<boolean> {
  const owner = await solOwner(session, options);
  const { console, managed } = session.ids;
  const ours = owner !== undefined && (owner === console || owner === managed);
  const formerlyOurs = owner !== undefined && activation.formerIds.has(owner);
  if (!ours && !formerlyOurs && !activation.steal) {
    const who = owner === undefined || owner === 0 ? "another session" : `session 0x${owner.toString(16)}`;
    throw new ConflictError(`${activation.subject}: SOL is active in ${who}; close it there or steal it`, {
      facts: { bmc: activation.subject, owner: owner ?? 0 },
    });
  }
  // A BMC may lie here ("already deactivated" while active): the next activation is the test, and the attempts are counted.
  await session.exchange(deactivatePayload, sol, options);
  return ours;
}

/** The first auxiliary byte of Activate Payload (Table 24-2). `auxplain`: 0x08 and no other bit; the session encrypts all the same. */
function activationOptions(quirks: Activation["quirks"]): RequestOf<typeof activatePayload>["options"] {
  const plain = { encrypted: false, authenticated: false, testMode: false, alerts: 2, deassertCts: false };
  if (quirks.has("auxplain")) return plain;
  const alerts = quirks.has("serialalertsdeferred") ? 1 : 0;
  return { encrypted: true, authenticated: true, testMode: false, alerts, deassertCts: quirks.has("ctsasserted") };
}

function chunkOf(reply: ReplyOf<typeof activatePayload>, { quirks }: Activation): number {
  return quirks.has("solpayloadsize") ? fallbackChunk : chunkBytes(reply);
}

/** Sizes and ports that are wrong are worked around, and told: the port is never followed, because no BMC is known that serves the other. */
function deviationsOf({ inboundSizeBytes, port }: ReplyOf<typeof activatePayload>, sessionPort: number): readonly Deviation[] {
  const found: Deviation[] = [];
  if (inboundSizeBytes <= solHeaderLength || inboundSizeBytes > largestSize)
    found.push({ name: "solpayloadsize", symptom: `Activate Payload told a size of ${inboundSizeBytes} bytes` });
  // Behind a forwarded port the BMC still knows the usual one.
  if (port !== sessionPort && port !== usualPort) {
    const how = swapped(port) === sessionPort ? `the session's port ${sessionPort} with its bytes swapped` : `port ${port}`;
    found.push({ name: "solport", symptom: `Activate Payload told ${how}` });
  }
  return found;
}

/**
 * Inbound size counts the four bytes of header (§24.1). Boards are known that swap its bytes, give 0, or give 16384: a size that makes
 * no sense either way is not believed.
 */
export function chunkBytes({ inboundSizeBytes }: Pick<ReplyOf<typeof activatePayload>, "inboundSizeBytes">): number {
  const sane = [inboundSizeBytes, swapped(inboundSizeBytes)].find(isSane);
  if (sane !== undefined) return Math.min(sane - solHeaderLength, maximumChunk);
  return inboundSizeBytes > maximumChunk && inboundSizeBytes <= largestSize ? maximumChunk : fallbackChunk;
}

function isSane(sizeBytes: number): boolean {
  return sizeBytes > solHeaderLength && sizeBytes <= maximumChunk + 2 * solHeaderLength;
}

function swapped(word: number): number {
  return ((word & 0xff) << 8) | (word >> 8);
}

function activationFailed({ subject }: Activation, code: number): LabError {
  const details = { facts: { bmc: subject, completionCode: code } };
  switch (code) {
    case 0x81:
      return new UnsupportedError(`${subject}: SOL is disabled; enable it in the BMC's settings`, details);
    case 0x82:
      return new ExhaustedError(`${subject}: the BMC allows no more SOL sessions; close one`, details);
    case 0x83:
      return new UnsupportedError(
        `${subject}: allows SOL without encryption only, which is not offered here; force encryption in the BMC`,
        details,
      );
    default:
      return commandFailed(subject, activatePayload, code);
  }
}
