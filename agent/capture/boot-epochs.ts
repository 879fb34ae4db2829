/**
 * When a new boot begins, as a fold over the marks of a log. A power act begins an epoch. A banner begins one only when there is
 * none yet, or when the current one has shown its kernel already: firmware, boot loader and kernel of one boot are one epoch, with
 * or without the power act that caused them.
 */
import type { PowerVerb } from "../ports/power.js";
import type { Banner } from "./banner.js";
import type { Boot, Mark } from "./events.js";

export interface EpochState {
  /** 0 before the first mark. */
  readonly epoch: number;
  readonly kernelSeen: boolean;
}

export const noEpoch: EpochState = { epoch: 0, kernelSeen: false };

export function afterMark(state: EpochState, mark: Mark): EpochState {
  switch (mark.kind) {
    case "gap":
      return state;
    case "boot":
      return { epoch: mark.epoch, kernelSeen: mark.stage === "kernel" };
    case "banner":
      return { epoch: state.epoch, kernelSeen: state.kernelSeen || mark.stage === "kernel" };
  }
}

/** The mark a banner leaves: a new epoch, or a sign of progress in the current one. */
export function markOfBanner(state: EpochState, { stage, offset, text }: Banner, timeMs: number): Mark {
  if (state.epoch > 0 && !state.kernelSeen) return { kind: "banner", offset, stage, timeMs };
  return { kind: "boot", epoch: state.epoch + 1, offset, cause: "banner", detail: text, stage, timeMs };
}

/** The mark a power act leaves; undefined for acts after which nothing boots: off, and soft, whose last words are the old boot's. */
export function markOfPower(state: EpochState, verb: PowerVerb, offset: number, timeMs: number): Boot | undefined {
  if (verb === "off" || verb === "soft") return undefined;
  return { kind: "boot", epoch: state.epoch + 1, offset, cause: "power", detail: verb, timeMs };
}
