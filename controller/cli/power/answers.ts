/** What many nodes answered, told in as few lines as there are different answers. Pure. */
import { foldNames } from "../../../inventory/nodeset.js";
import { describeError, LabError } from "../../../proto/base/errors.js";
import type { PowerResult, PowerStatus } from "../../../proto/gen/lab/v1/power.js";
import { onNode } from "../failures.js";
import { duration } from "../units.js";

/** What one node answered. Answers that say the same fold into one line; their measures become ranges. */
export interface Answer {
  readonly node: string;
  /** "on → off → on". */
  readonly words: string;
  readonly measured?: Measured;
  /** For --json. */
  readonly facts: object;
  readonly thrown?: unknown;
}

interface Measured {
  readonly elapsedMs: number;
  readonly waitedMs: number;
  readonly packets: number;
}

export function statusAnswer(node: string, status: PowerStatus): Answer {
  const { state, fault, asks, hold } = status;
  const notes = [state, fault && "power fault", asks !== "" && `asked for: ${asks}`, hold !== "" && `held: ${hold}`];
  return { node, words: notes.filter(Boolean).join(", "), facts: { node, ...status } };
}

export function actAnswer(node: string, verb: string, result: PowerResult): Answer {
  const facts = { node, verb, ...result };
  if (!result.acted) return { node, words: `${result.after} already`, facts };
  const { elapsedMs, waitedMs, packets } = result;
  return { node, words: path(verb, result), measured: { elapsedMs, waitedMs, packets }, facts };
}

/** A node that could not be asked, or failed. */
export function failedAnswer(node: string, thrown: unknown): Answer {
  const code = thrown instanceof LabError ? thrown.code : "internal";
  const error = describeError(thrown);
  return { node, words: `FAILED  ${withoutObject(node, thrown, error)}`, facts: { node, error, code }, thrown: onNode(node, thrown) };
}

/** [["p[0-63]", "off → on  verified in 9.8–11.2 s"]]: in order of the first node of each line. */
export function foldAnswers(answers: readonly Answer[]): string[][] {
  const alike = new Map<string, Answer[]>();
  for (const answer of answers) alike.set(answer.words, [...(alike.get(answer.words) ?? []), answer]);
  return [...alike].map(([words, group]) => [foldNames(group.map(({ node }) => node)), words + measures(group)]);
}

function path(verb: string, { before, after, witnessed, replayed }: PowerResult): string {
  const change = verb === "reset" || verb === "soft" ? `${before}, ${verb} → ${after}` : `${before} → ${after}`;
  const words = verb === "cycle" && before === "on" ? "on → off → on" : change;
  if (replayed) return `${words}  done before`;
  return witnessed ? words : `${words}  not seen happening`;
}

function measures(group: readonly Answer[]): string {
  const measured = group.flatMap((each) => each.measured ?? []);
  if (measured.length === 0) return "";
  const of = (key: keyof Measured) => measured.map((each) => each[key]);
  const waitedMs = Math.max(...of("waitedMs"));
  const packets = range(of("packets"), String);
  return [
    `  verified in ${range(of("elapsedMs"), duration)}`,
    // Less than the eye would call waiting is not worth a word.
    waitedMs < 50 ? "" : `, ${measured.length === 1 ? "" : "up to "}${duration(waitedMs)} of it waiting for a turn`,
    packets === "0" ? "" : ` · ${packets} packets${measured.length === 1 ? "" : " each"}`,
  ].join("");
}

/** "11.2 s", "9.8–11.2 s", "48.0 s–1:12": the unit once where both ends have the same. */
function range(values: readonly number[], told: (value: number) => string): string {
  const [least, most] = [told(Math.min(...values)), told(Math.max(...values))];
  if (least === most) return most;
  const unit = / [a-z]+$/.exec(most)?.[0] ?? "";
  return unit !== "" && least.endsWith(unit) ? `${least.slice(0, -unit.length)}–${most}` : `${least}–${most}`;
}

/**
 * Without the name of what it happened to in front: the same cause then is the same line for many. Only what the error itself calls by
 * that name is taken away: the node, or the BMC or device among its facts.
 */
function withoutObject(node: string, thrown: unknown, message: string): string {
  const facts = thrown instanceof LabError ? Object.values(thrown.facts).map(String) : [];
  const names = [`node ${node}`, node, ...facts].map((name) => `${name}: `);
  const named = names.find((name) => message.startsWith(name));
  return named === undefined ? message : message.slice(named.length);
}
