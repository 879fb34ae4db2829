/** Getting hold of SOL: who has it, taking it over, and what the BMC says of its buffers (IPMI v2.0 §24.1–24.5). */
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { ConflictError, ExhaustedError, FailedError, UnsupportedError, type LabError } from "../../../proto/base/errors.js";
import {
  activatePayload,
  deactivatePayload,
  getPayloadActivationStatus,
  getPayloadInstanceInfo,
  type ReplyOf,
  type RequestOf,
} from "../command/index.js";
import type { Quirk } from "../quirks.js";
import { commandFailed, type Deviation, type Session } from "../session/index.js";
import { payloadType, solHeaderLength } from "../wire/index.js";

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

/**
 * Activates SOL on this session. Throws ConflictError when another session has it and `steal` is not set, UnsupportedError when it is
 * disabled, ExhaustedError when the BMC allows no more, FailedError when it stays active elsewhere however often it is deactivated.
 */
export async function activateSol(
  session: Session,
  activation: Activation,
  options?: { signal?: AbortSignal | undefined },
): Promise<Activated> {
  if (!activation.quirks.has("solstatus")) await makeFree(session, activation, options);
  const request = { ...sol, options: activationOptions(activation.quirks) };
  for (const waitMs of takeOverWaitsMs) {
    if (waitMs > 0) await sleep(activation.clock, waitMs, options);
    const { code, reply } = await session.exchange(activatePayload, request, options);
    if (reply !== undefined) return { chunkBytes: chunkOf(reply, activation), deviations: deviationsOf(reply, activation.port) };
    if (code !== 0x80) throw activationFailed(activation, code);
    await takeOver(session, activation, options);
  }
  throw new FailedError(
    `${activation.subject}: SOL stays active elsewhere after ${takeOverWaitsMs.length} deactivations; disable and enable SOL in the BMC`,
    {
      facts: { bmc: activation.subject },
    },
  );
}

/** Ends SOL on this session; "already inactive" is as good. */
export async function deactivateSol(session: Session, options?: { signal?: AbortSignal | undefined }): Promise<void> {
  const { code } = await session.exchange(deactivatePayload, sol, options);
  if (code !== 0 && code !== 0x80) throw commandFailed("SOL", deactivatePayload, code);
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

async function makeFree(session: Session, activation: Activation, options?: { signal?: AbortSignal | undefined }): Promise<void> {
  if ((await solActive(session, options)) === true) await takeOver(session, activation, options);
}

/** Deactivates somebody's SOL: our own left-over always, another's only when asked to. */
async function takeOver(session: Session, activation: Activation, options?: { signal?: AbortSignal | undefined }): Promise<void> {
  const owner = await solOwner(session, options);
  const { console, managed } = session.ids;
  const ours = owner !== undefined && (owner === console || owner === managed || activation.formerIds.has(owner));
  if (!ours && !activation.steal) {
    const who = owner === undefined || owner === 0 ? "another session" : `session 0x${owner.toString(16)}`;
    throw new ConflictError(`${activation.subject}: SOL is active in ${who}; close it there or steal it`, {
      facts: { bmc: activation.subject, owner: owner ?? 0 },
    });
  }
  // A BMC may lie here ("already deactivated" while active): the next activation is the test, and the attempts are counted.
  await session.exchange(deactivatePayload, sol, options);
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
