/** The thin shell around the handshake: a route, a timer, and the reducer between them. */
import type { Clock, Timer } from "../../../proto/base/clock.js";
import { CancelledError } from "../../../proto/base/errors.js";
import type { LabError } from "../../../proto/base/errors.js";
import { decodeDatagram, MalformedPacketError } from "../wire/index.js";
import type { Remedy } from "./deviations.js";
import { farewell } from "./farewell.js";
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
  /** What is sent from now on comes from another UDP port. */
  changePort(): void;
}

export type LoginOutcome =
  | { readonly established: EstablishedSession }
  /** `error`: what `refusals.ts` lists. */
  | { readonly error: LabError; readonly remedy: Remedy | undefined };

export interface Login {
  /** Feed every datagram of the route in here while the login lasts. */
  received(datagram: Uint8Array): void;
  /** Throws CancelledError and nothing else. */
  readonly result: Promise<LoginOutcome>;
}

/** Waits differ by a quarter either way, so that BMCs that were asked together are not asked again together. */
const jitter = 0.25;

/** Starts the handshake. */
export function beginLogin(plan: HandshakePlan, deps: LoginDependencies, options?: { signal?: AbortSignal | undefined }): Login {
  const signal = options?.signal;
  let state: HandshakeState = { phase: "ended" };
  let timer: Timer | undefined;
  let attempt = 0;
  let settle: { resolve: (outcome: LoginOutcome) => void; reject: (error: unknown) => void };
  const result = new Promise<LoginOutcome>((resolve, reject) => {
    settle = { resolve, reject };
  });

  const finish = () => {
    timer?.cancel();
    state = { phase: "ended" };
    signal?.removeEventListener("abort", onAbort);
  };
  /** Nobody waits for what this attempt would come to. */
  const leave = () => {
    const datagram = farewell(plan, state, deps.random);
    if (datagram !== undefined) deps.send(datagram);
  };
  const onAbort = () => {
    leave();
    finish();
    settle.reject(CancelledError.from(signal));
  };
  const apply = (step: HandshakeStep) => {
    state = step.state;
    for (const effect of step.effects) {
      switch (effect.kind) {
        case "send":
          deps.send(effect.datagram);
          break;
        case "another-port":
          deps.changePort();
          break;
        case "wait":
          timer?.cancel();
          timer = deps.clock.after(effect.timeoutMs * jittered(deps.random), () => {
            leave();
            handle({ kind: "silence", fresh: newFresh(deps.random, (attempt += 1)) });
          });
          break;
        case "established":
          finish();
          settle.resolve({ established: effect.session });
          break;
        case "failed":
          finish();
          settle.resolve({ error: effect.error, remedy: effect.remedy });
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

/** 0.75…1.25, evenly. */
export function jittered(random: Random): number {
  return 1 - jitter + ((random(1)[0] ?? 0) / 255) * 2 * jitter;
}

/** Tags of one attempt lie apart from those of the next; a session id must not be 0. */
function newFresh(random: Random, attempt: number): Fresh {
  const id = random(4);
  const consoleSessionId = (new DataView(id.buffer, id.byteOffset, 4).getUint32(0) | 1) >>> 0;
  return { tag: (attempt * 16) & 0xff, consoleSessionId, consoleRandom: random(16), requestSequence: attempt & 0x3f };
}
