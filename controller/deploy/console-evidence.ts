/** Collecting the lines a step must show on its node's console, each by its own deadline, from where the run stands. */
import { withDeadline } from "../../proto/base/abort.js";
import { DeadlineError, describeError, InternalError } from "../../proto/base/errors.js";
import { consoleLines, type ConsoleItem } from "./console-lines.js";
import type { EvidenceSource } from "./entries.js";
import { awaited, startEvidence, stepEvidence, type EvidenceEvent, type EvidenceState } from "./evidence.js";
import type { SeenLine } from "./lines.js";
import type { Expectation, Requirement } from "./recipe.js";
import { knownTo, type StepContext } from "./step-context.js";
import { StepFailedError, type FailureEvidence } from "./step-failure.js";

/** Longer than a node's handle waits for a site agent that is not connected. */
const lookMs = 15_000;

/**
 * Waits until every needed expectation of the step's `index`-th requirement is proven; each proof is journalled when it is seen.
 * Lines are read from the node's mark, so that a STDOUT block is known from its start, and count from its cursor on.
 * Throws StepFailedError at the first wrong line or missed deadline.
 */
export async function collectConsole(
  requirement: Extract<Requirement, { kind: "console" }>,
  index: number,
  context: StepContext,
): Promise<void> {
  const { step, node, journal } = context;
  const position = journal.state.consoles[step.node];
  if (node.console === undefined || position === undefined) throw new InternalError(`${step.node}: has no console to look at`);
  const follow = new AbortController();
  const stop = () => follow.abort(context.signal.reason);
  if (context.signal.aborted) stop();
  context.signal.addEventListener("abort", stop, { once: true });
  const watcher = new Watcher(requirement.expectations(knownTo(step, journal.state)), index, position.cursor, context);
  const items = consoleLines(node.console, position.mark, { signal: follow.signal });
  try {
    for (let next = watcher.awaited; next !== undefined; next = watcher.awaited) await watcher.awaitProof(next, items);
  } finally {
    context.signal.removeEventListener("abort", stop);
    follow.abort();
    // Stopped between two lines the feed still counts us among its followers.
    await items.return().catch(() => undefined);
  }
}

class Watcher {
  readonly #index: number;
  readonly #cursor: bigint;
  readonly #context: StepContext;
  #state: EvidenceState;
  /** Bytes lost since the last proof: the awaited line may have been among them. */
  #lost: string | undefined;

  constructor(expectations: readonly Expectation[], index: number, cursor: bigint, context: StepContext) {
    this.#index = index;
    this.#cursor = cursor;
    this.#context = context;
    const met = context.journal.state.steps[context.step.id]?.met[index] ?? [];
    const newest = expectations.map((each) => met.includes(each.id)).lastIndexOf(true);
    this.#state = { ...startEvidence(expectations), next: newest + 1 };
  }

  get awaited(): Expectation | undefined {
    return awaited(this.#state);
  }

  /** Reads until `expectation` is proven, within its time. */
  async awaitProof(expectation: Expectation, items: AsyncIterator<ConsoleItem, void>): Promise<void> {
    const { clock, signal, progress, step } = this.#context;
    const { claim, withinMs } = expectation;
    const wait = { subject: `${step.node} console`, awaited: claim, deadlineMs: withinMs, lastSeen: () => this.#state.lastLine?.printable };
    progress.doing(claim, withinMs);
    const readOn = async () => {
      while (this.awaited === expectation) {
        const { value } = await items.next();
        if (value === undefined) throw new InternalError(`${step.node} console: its feed has ended`);
        await this.#take(value);
      }
    };
    try {
      await withDeadline(clock, wait, readOn, { signal });
    } catch (error) {
      throw error instanceof DeadlineError ? await this.#missed(error) : error;
    }
  }

  async #take(item: ConsoleItem): Promise<void> {
    if (item.kind === "gap" && this.#concerns(item)) this.#lost = item.text;
    if (item.kind !== "line") return;
    if (item.line.offset < this.#cursor) {
      // It counts no more, but it was seen.
      if (item.line.text.trim() !== "") this.#state = { ...this.#state, lastLine: item.line };
      return;
    }
    const { state, event } = stepEvidence(this.#state, item.line);
    this.#context.progress.line(item.line.printable);
    if (event !== undefined) await this.#judge(event);
    this.#state = state;
  }

  /** A loss from before the step stands at its mark too when the console was silent since. */
  #concerns(gap: { readonly offset: bigint; readonly toMs: number }): boolean {
    const beganMs = this.#context.journal.state.steps[this.#context.step.id]?.beganMs ?? 0;
    return gap.offset >= this.#cursor && (gap.toMs === 0 || gap.toMs >= beganMs);
  }

  async #judge(event: EvidenceEvent): Promise<void> {
    const { id: step, node } = this.#context.step;
    const { claim, source } = seenLine(event.expectation.claim, event.line);
    if (event.kind === "failed") {
      throw new StepFailedError({
        summary: `${claim}: ${event.reason}`,
        blame: "system",
        evidence: [{ claim: "what was seen instead", source }],
      });
    }
    await this.#context.journal.append({
      type: "evidence",
      data: {
        evidence: { step, node, claim, source },
        requirement: this.#index,
        expectation: event.expectation.id,
        outputs: event.outputs,
      },
    });
    this.#lost = undefined;
  }

  async #missed(error: DeadlineError): Promise<StepFailedError> {
    const { lastLine } = this.#state;
    const evidence = lastLine === undefined ? [] : [seenLine("the last line seen", lastLine)];
    const lost = this.#lost === undefined ? undefined : `the line may be among ${this.#lost}`;
    const cause = (await this.#trouble()) ?? lost;
    return new StepFailedError({ summary: error.message, blame: cause === undefined ? "system" : "lab", cause: cause ?? "", evidence });
  }

  /** Why nothing can be seen on the console now. Its feed does not tell: it waits for a site agent that is away, and for its line. */
  async #trouble(): Promise<string | undefined> {
    const { clock, signal, step, node } = this.#context;
    const wait = { subject: `${step.node} console`, awaited: "its state", deadlineMs: lookMs };
    try {
      const extent = await withDeadline(clock, wait, async (within) => node.console?.extent({ signal: within }), { signal });
      if (extent === undefined || extent.state === "up") return undefined;
      return `the console is ${extent.state}${extent.reason === "" ? "" : `: ${extent.reason}`}`;
    } catch (error) {
      return `the console cannot be read: ${describeError(error)}`;
    }
  }
}

/** A line as what a claim rests on. */
export function seenLine(claim: string, line: SeenLine): FailureEvidence & { source: Extract<EvidenceSource, { kind: "console" }> } {
  return {
    claim,
    source: { kind: "console", offset: line.offset.toString(), endOffset: line.endOffset.toString(), line: line.printable },
  };
}
