/** Questions a BMC answers to anybody: what it can do, and thereby that it is there. Nothing of the answer is proved. */
import type { Clock, Timer } from "../../../proto/base/clock.js";
import { CancelledError } from "../../../proto/base/errors.js";
import type { Command } from "../command/index.js";
import type { Remote, Transport } from "../transport/index.js";
import * as wire from "../wire/index.js";
import { jittered, type Random } from "./login.js";

export interface SessionlessDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
}

export interface SessionlessSettings {
  /** Waits after the first, second… copy. */
  readonly waitsMs: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks outside a session, in a v1.5 packet as every BMC takes it; the answer may come in either format. Undefined when none came or
 * the command was refused. Throws UnreachableError when there is no way there, CancelledError.
 */
export async function askOutside<Request, Reply>(
  remote: Remote,
  command: Command<Request, Reply>,
  request: Request,
  deps: SessionlessDependencies,
  { waitsMs, signal }: SessionlessSettings,
): Promise<Reply | undefined> {
  let heard: (datagram: Uint8Array) => void = () => undefined;
  const route = await deps.transport.open(remote, { received: (datagram) => heard(datagram), sendFailed: () => undefined });
  const sequence = (deps.random(1)[0] ?? 0) & 0x3f;
  const question = encodeQuestion(command, request, sequence);
  let timer: Timer | undefined;
  let onAbort: () => void = () => undefined;
  try {
    return await new Promise<Reply | undefined>((resolve, reject) => {
      onAbort = () => reject(CancelledError.from(signal));
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) return reject(CancelledError.from(signal));
      heard = (datagram) => {
        const reply = answerTo(command, sequence, datagram);
        if (reply !== undefined) resolve(reply.completionCode === wire.completionCode.ok ? readReply(command, reply.data) : undefined);
      };
      const send = (copy: number) => {
        const waitMs = waitsMs[copy];
        if (waitMs === undefined) return resolve(undefined);
        route.send(question);
        timer = deps.clock.after(waitMs * jittered(deps.random), () => send(copy + 1));
      };
      send(0);
    });
  } finally {
    signal?.removeEventListener("abort", onAbort);
    timer?.cancel();
    route.close();
  }
}

function encodeQuestion<Request>(command: Command<Request, unknown>, request: Request, sequence: number): Uint8Array {
  const payload = wire.encodeRequest({
    responderAddress: wire.bmcAddress,
    requesterAddress: wire.consoleAddress,
    netFn: command.netFn,
    lun: 0,
    sequence,
    command: command.cmd,
    data: wire.encode(command.request, request),
  });
  return wire.encodeSession15({
    authenticationType: wire.authenticationType.none,
    sequence: 0,
    sessionId: 0,
    authCode: undefined,
    payload,
  });
}

/** The reply in a datagram, undefined when it is something else. */
function answerTo(command: Command<unknown, unknown>, sequence: number, bytes: Uint8Array): wire.ReplyMessage | undefined {
  try {
    const datagram = wire.decodeDatagram(bytes);
    if (datagram.format === "asf" || datagram.packet.sessionId !== 0) return undefined;
    const reply = wire.decodeReply(datagram.packet.payload, { checksums: false });
    const { cmd, netFn } = command;
    return reply.sequence === sequence && reply.command === cmd && reply.netFn === (netFn | 1) ? reply : undefined;
  } catch (error) {
    if (error instanceof wire.MalformedPacketError) return undefined;
    throw error;
  }
}

function readReply<Reply>(command: Command<unknown, Reply>, data: Uint8Array): Reply | undefined {
  try {
    return wire.decode(command.reply, data, `${command.name} reply`);
  } catch (error) {
    if (error instanceof wire.MalformedPacketError) return undefined;
    throw error;
  }
}
