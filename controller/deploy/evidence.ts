/**
 * Expectations in order against lines in order. A pure reducer: deadlines are the runner's (live) or nobody's (a log file).
 */
import { countsAs, type SeenLine } from "./lines.js";
import type { Expectation, Json } from "./recipe.js";

export interface EvidenceState {
  readonly expectations: readonly Expectation[];
  /** Index of the first expectation neither proven nor passed over. */
  readonly next: number;
  /** The newest line that was not blank: what a missed deadline reports. */
  readonly lastLine: SeenLine | undefined;
}

export type EvidenceEvent =
  | {
      readonly kind: "matched";
      readonly expectation: Expectation;
      readonly line: SeenLine;
      readonly outputs: Readonly<Record<string, Json>>;
    }
  /** The line is the awaited one and says the wrong thing. */
  | { readonly kind: "failed"; readonly expectation: Expectation; readonly line: SeenLine; readonly reason: string };

export function startEvidence(expectations: readonly Expectation[]): EvidenceState {
  return { expectations, next: 0, lastLine: undefined };
}

/**
 * Takes one line. It can prove the next needed expectation or an optional one before it, and one only; optional ones passed over
 * stay unproven. After "failed" the state stands still at the expectation that failed.
 */
export function stepEvidence(state: EvidenceState, line: SeenLine): { readonly state: EvidenceState; readonly event?: EvidenceEvent } {
  const seen = line.text.trim() === "" ? state : { ...state, lastLine: line };
  for (const [index, expectation] of candidates(state)) {
    const match = countsAs(expectation.where, line.origin) ? line.message.match(expectation.pattern) : null;
    if (match === null) continue;
    const reason = expectation.check?.(match);
    if (reason !== undefined) return { state: { ...seen, next: index }, event: { kind: "failed", expectation, line, reason } };
    return {
      state: { ...seen, next: index + 1 },
      event: { kind: "matched", expectation, line, outputs: expectation.outputs?.(match) ?? {} },
    };
  }
  return { state: seen };
}

/** The needed expectation that is waited for; undefined when all needed ones are proven. */
export function awaited(state: EvidenceState): Expectation | undefined {
  return state.expectations.slice(state.next).find((each) => each.optional !== true);
}

function candidates(state: EvidenceState): [number, Expectation][] {
  const found: [number, Expectation][] = [];
  for (let index = state.next; index < state.expectations.length; index += 1) {
    const expectation = state.expectations[index];
    if (expectation === undefined) break;
    found.push([index, expectation]);
    if (expectation.optional !== true) break;
  }
  return found;
}
