/** Getting hold of SOL: who has it, taking it over, and what the BMC says of its buffers (IPMI v2.0 §24.1–24.5). */
import { ConflictError, ExhaustedError, FailedError, UnsupportedError, type LabError } from "../../../proto/base/errors.js";
import { activatePayload, deactivatePayload, getPayloadActivationStatus, getPayloadInstanceInfo, type ReplyOf } from "../command/index.js";
import { commandFailed, type Session } from "../session/index.js";
import { payloadType, solHeaderLength } from "../wire/index.js";

/** Only the first: deactivating one instance can end another, and on ipmi_sim the second is a history. */
const sol = { payloadType: payloadType.sol, instance: 1 } as const;
const takeOverAttempts = 3;
/** Most characters of a packet (the count is one byte). */
const maximumChunk = 255;
/** For BMCs whose sizes make no sense at all: small enough for any UART buffer. */
const fallbackChunk = 32;

export interface Activation {
  readonly subject: string;
  /** Take SOL from whoever has it. */
  readonly steal: boolean;
  /** Session ids that were ours before: their SOL may be taken back without asking. */
  readonly formerIds: ReadonlySet<number>;
  /** Some boards answer Get Payload Activation Status with an error: do not ask. */
  readonly skipStatus: boolean;
  /** Some boards want serial alerts deferred while SOL is active. */
  readonly deferAlerts: boolean;
}

/**
 * Activates SOL on this session and gives the most characters a packet may carry. Throws ConflictError when another session has it
 * and `steal` is not set, UnsupportedError when it is disabled, ExhaustedError when the BMC allows no more.
 */
export async function activateSol(
  session: Session,
  activation: Activation,
  options?: { signal?: AbortSignal | undefined },
): Promise<number> {
  if (!activation.skipStatus) await makeFree(session, activation, options);
  const request = {
    ...sol,
    options: { encrypted: true, authenticated: true, testMode: false, alerts: activation.deferAlerts ? 1 : 0, deassertCts: false },
  };
  for (let attempt = 0; attempt < takeOverAttempts; attempt += 1) {
    const { code, reply } = await session.exchange(activatePayload, request, options);
    if (reply !== undefined) return chunkBytes(reply);
    if (code !== 0x80) throw activationFailed(activation, code);
    await takeOver(session, activation, options);
  }
  throw new FailedError(
    `${activation.subject}: SOL stays active elsewhere after ${takeOverAttempts} deactivations; disable and enable SOL in the BMC`,
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

/** The session id the BMC gives for SOL's owner; 0 = nobody, undefined = the BMC does not tell. */
export async function solOwner(session: Session, options?: { signal?: AbortSignal | undefined }): Promise<number | undefined> {
  const { reply } = await session.exchange(getPayloadInstanceInfo, sol, options);
  return reply?.sessionId;
}

async function makeFree(session: Session, activation: Activation, options?: { signal?: AbortSignal | undefined }): Promise<void> {
  const { reply } = await session.exchange(getPayloadActivationStatus, { payloadType: sol.payloadType }, options);
  if (reply !== undefined && (reply.active & 1) !== 0) await takeOver(session, activation, options);
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

/**
 * Inbound size counts the four bytes of header (§24.1). Boards are known that swap its bytes, give 0, or give 16384: a size that makes
 * no sense either way is not believed.
 */
export function chunkBytes({ inboundSizeBytes }: Pick<ReplyOf<typeof activatePayload>, "inboundSizeBytes">): number {
  const swapped = ((inboundSizeBytes & 0xff) << 8) | (inboundSizeBytes >> 8);
  const sane = [inboundSizeBytes, swapped].find((size) => size > solHeaderLength && size <= maximumChunk + 2 * solHeaderLength);
  if (sane !== undefined) return Math.min(sane - solHeaderLength, maximumChunk);
  return inboundSizeBytes > maximumChunk && inboundSizeBytes <= 2048 ? maximumChunk : fallbackChunk;
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
