/** The thin shell around the handshake: a route, a timer, and the reducer between them. */
import type { Clock, Timer } from "../../../proto/base/clock.js";
import { CancelledError } from "../../../proto/base/errors.js";
import { decodeDatagram, MalformedPacketError } from "../wire/index.js";
import {
  beginHandshake,
  stepHandshake,
  type EstablishedSession,
  type Fresh,
  type HandshakeEvent,
  type HandshakePlan,
  type HandshakeState,
  type HandshakeStep,
} from "./handshake.js";

/** `length` bytes nobody can guess. */
export type Random = (length: number) => Uint8Array;

export interface LoginDependencies {
  readonly clock: Clock;
  readonly random: Random;
  send(datagram: Uint8Array): void;
}

export interface Login {
  /** Feed every datagram of the route in here while the login lasts. */
  received(datagram: Uint8Array): void;
  /** Throws what `refusals.ts` lists, and CancelledError. */
  readonly result: Promise<EstablishedSession>;
}

/** Starts the handshake. */
export function beginLogin(plan: HandshakePlan, deps: LoginDependencies, options?: { signal?: AbortSignal | undefined }): Login {
  const signal = options?.signal;
  let state: HandshakeState = { phase: "ended" };
  let timer: Timer | undefined;
  let attempt = 0;
  let settle: { resolve: (session: EstablishedSession) => void; reject: (error: unknown) => void };
  const result = new Promise<EstablishedSession>((resolve, reject) => {
    settle = { resolve, reject };
  });

  const finish = () => {
    timer?.cancel();
    state = { phase: "ended" };
    signal?.removeEventListener("abort", onAbort);
  };
  const onAbort = () => {
    finish();
    settle.reject(CancelledError.from(signal));
  };
  const apply = (step: HandshakeStep) => {
    state = step.state;
    for (const effect of step.effects) {
      if (effect.kind === "send") deps.send(effect.datagram);
      else if (effect.kind === "wait") {
        timer?.cancel();
        timer = deps.clock.after(effect.timeoutMs, () => handle({ kind: "silence", fresh: newFresh(deps.random, (attempt += 1)) }));
      } else {
        finish();
        if (effect.kind === "established") settle.resolve(effect.session);
        else settle.reject(effect.error);
      }
    }
  };
  const handle = (event: HandshakeEvent) => apply(stepHandshake(plan, state, event));

  if (signal?.aborted) onAbort();
  else {
    signal?.addEventListener("abort", onAbort, { once: true });
    apply(beginHandshake(plan, newFresh(deps.random, attempt)));
  }
  return {
    result,
    received(datagram) {
      try {
        handle({ kind: "datagram", datagram: decodeDatagram(datagram) });
      } catch (error) {
        // Anybody can send us rubbish; the handshake goes on waiting for its answer.
        if (!(error instanceof MalformedPacketError)) throw error;
      }
    },
  };
}

/** Tags of one attempt lie apart from those of the next; a session id must not be 0. */
function newFresh(random: Random, attempt: number): Fresh {
  const id = random(4);
  const consoleSessionId = (new DataView(id.buffer, id.byteOffset, 4).getUint32(0) | 1) >>> 0;
  return { tag: (attempt * 16) & 0xff, consoleSessionId, consoleRandom: random(16), requestSequence: attempt & 0x3f };
}
