/** What can be answered without a daemon: what a serial log proves by itself. No I/O; the caller brings the bytes. */
import { InvalidArgumentError } from "../proto/base/errors.js";
import { matchCrash, matchFailure } from "./deploy/crash.js";
import { awaited, startEvidence, stepEvidence } from "./deploy/evidence.js";
import { LineSplitter, type SeenLine } from "./deploy/lines.js";
import type { Expectation, LogProfile, Recipe } from "./deploy/recipe.js";
import { findRecipe, recipes } from "./recipes/index.js";

/** A line of the log, where to find it: byte offset, line number from 1 (as editors count, by LF), escaped text. */
export interface CitedLine {
  readonly line: string;
  readonly offset: number;
  readonly lineNumber: number;
}

export interface LogVerdict {
  readonly proven: boolean;
  readonly claims: readonly ({ readonly claim: string; readonly optional: boolean } & CitedLine)[];
  /** Claims that nothing in the log supports, in order. */
  readonly missing: readonly string[];
  /** The line at which the log ends the question: the system failed, or said the wrong thing. */
  readonly failure: ({ readonly reason: string } & CitedLine) | undefined;
  readonly lastLine: CitedLine | undefined;
}

export interface LogQuestion {
  readonly recipe: string;
  readonly role: string;
  /** Chooses the profile: { fit: "ethernet" }. */
  readonly with: Readonly<Record<string, string>>;
  readonly nonce?: string | undefined;
  readonly bytes: Uint8Array;
}

/**
 * Runs a recipe's evidence over a serial log, in order and without deadlines. A failure or crash line before the proof is complete
 * ends it unproven; what comes after the proof is not judged. Throws InvalidArgumentError naming the recipes, roles and choices
 * there are.
 */
export function verifyLog(question: LogQuestion): LogVerdict {
  const recipe = findRecipe(question.recipe);
  if (recipe === undefined)
    throw new InvalidArgumentError(
      `recipe ${question.recipe}: there is none of this name; there are: ${recipes.map((each) => each.name).join(", ")}`,
    );
  const expectations = chooseProfile(recipe, question).expectations({ nonce: question.nonce });
  return judgeLog(expectations, recipe, question.bytes);
}

function chooseProfile(recipe: Recipe, { role, with: choice }: LogQuestion): LogProfile {
  const ofRole = recipe.logProfiles.filter((each) => each.role === role);
  const chosen = ofRole.find((each) => Object.entries(choice).every(([key, value]) => each.when[key] === value));
  if (chosen !== undefined) return chosen;
  const known = recipe.logProfiles.map(
    (each) =>
      `--role ${each.role} ${Object.entries(each.when)
        .map(([key, value]) => `--with ${key}=${value}`)
        .join(" ")}`,
  );
  throw new InvalidArgumentError(`recipe ${recipe.name}: no evidence for this role and these choices; there is: ${known.join(", ")}`);
}

function judgeLog(expectations: readonly Expectation[], recipe: Recipe, bytes: Uint8Array): LogVerdict {
  const splitter = new LineSplitter(0n);
  const claims: LogVerdict["claims"][number][] = [];
  let state = startEvidence(expectations);
  let failure: LogVerdict["failure"];
  for (const line of [...splitter.push(bytes), ...splitter.breakOff()]) {
    const step = stepEvidence(state, line);
    state = step.state;
    if (step.event?.kind === "matched") {
      const { claim, optional = false } = step.event.expectation;
      claims.push({ claim, optional, ...cite(line, bytes) });
    }
    const reason = step.event?.kind === "failed" ? step.event.reason : failureReason(line, recipe);
    if (reason !== undefined) failure = { reason, ...cite(line, bytes) };
    if (failure !== undefined || awaited(state) === undefined) break;
  }
  return {
    proven: failure === undefined && awaited(state) === undefined,
    claims,
    missing: state.expectations
      .slice(state.next)
      .filter((each) => each.optional !== true)
      .map((each) => each.claim),
    failure,
    lastLine: state.lastLine === undefined ? undefined : cite(state.lastLine, bytes),
  };
}

function failureReason(line: SeenLine, recipe: Recipe): string | undefined {
  const crash = matchCrash(line);
  return matchFailure(line, recipe.failureLines)?.meaning ?? (crash?.fatal === true ? crash.meaning : undefined);
}

function cite(line: SeenLine, bytes: Uint8Array): CitedLine {
  const offset = Number(line.offset);
  let lineNumber = 1;
  for (let at = bytes.indexOf(0x0a); at !== -1 && at < offset; at = bytes.indexOf(0x0a, at + 1)) lineNumber += 1;
  return { line: line.printable, offset, lineNumber };
}
