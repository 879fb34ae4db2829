/**
 * The vocabulary of a run's journal. An entry is a fact, written when it has become one and before anything rests on it; what a run
 * is at any moment is the fold of its entries (run-state.ts) and nothing else. Data is JSON: offsets and epochs are decimal text.
 */
import type { JournalEntry } from "../ports.js";
import type { Direction, Json } from "./recipe.js";

/** A plan as it is printed and journalled: everything a reader needs, nothing that can be run. */
export interface PlanView {
  readonly deployment: string;
  readonly direction: Direction;
  /** For "run": which exercise of the recipe. */
  readonly exercise?: string;
  /** One line that says what is planned on what. */
  readonly title: string;
  /** Nodes to lease, in inventory order. */
  readonly nodes: readonly string[];
  readonly steps: readonly PlanStepView[];
  /** SHA-256, lower-case hex, over all of the above and what it was made from: equal plans have equal digests. */
  readonly digest: string;
}

export interface PlanStepView {
  readonly id: string;
  readonly phase: string;
  readonly node: string;
  readonly title: string;
  /** What it must show, a line each. */
  readonly evidence: readonly string[];
  /** From the step's begin. */
  readonly deadlineMs: number;
  readonly needs: readonly string[];
  readonly repeat: "repeatable" | "verify";
  /** What makes it unnecessary when it stands already, a line each. */
  readonly standing?: readonly string[];
  /** What is done when it fails or is stopped, and what that must show. */
  readonly rescue?: { readonly title: string; readonly evidence: readonly string[] };
}

/** What a claim rests on. */
export type EvidenceSource =
  | { readonly kind: "console"; readonly offset: string; readonly endOffset: string; readonly line: string }
  | { readonly kind: "command"; readonly argv: readonly string[]; readonly exitCode: number; readonly lines: readonly string[] }
  | { readonly kind: "file"; readonly path: string; readonly sha256: string; readonly sizeBytes: number }
  | { readonly kind: "reading"; readonly text: string };

export interface Evidence {
  readonly step: string;
  readonly node: string;
  /** What it proves, in words. */
  readonly claim: string;
  readonly source: EvidenceSource;
}

/** Who has to do something about a failure: the lab's infrastructure, the system deployed, or whoever asked. */
export type Blame = "lab" | "system" | "user";

export interface Failure {
  /** "" when no step was to blame. */
  readonly step: string;
  readonly node: string;
  readonly summary: string;
  /** "" when nothing is known. */
  readonly cause: string;
  /** How the nodes stand now. */
  readonly state: string;
  /** Commands to go on with. */
  readonly next: readonly string[];
  readonly evidence: readonly Evidence[];
  readonly blame: Blame;
}

export type Outcome = "succeeded" | "failed" | "cancelled" | "unknown";

type StepOutputs = Readonly<Record<string, Json>>;

/** By type: what the entry says. */
export interface RunEntries {
  /** First entry: all it takes to make the same plan again. */
  readonly planned: {
    readonly plan: PlanView;
    readonly nonce: string;
    readonly startedBy: string;
    /** Parameters that replaced the inventory's. */
    readonly parameters: Readonly<Record<string, Json>>;
    /** What was asked of the exercise. Absent in journals from before there were exercises. */
    readonly request?: Readonly<Record<string, Json>>;
    /** Outputs of the runs since the last deploy that succeeded, for undeploy and exercises. */
    readonly previous: Readonly<Record<string, StepOutputs>>;
    /** Whose plan it is: its reports read the outputs, whatever the inventory says later. Absent in old journals. */
    readonly recipe?: string;
  };
  readonly leased: { readonly leaseId: string; readonly epoch: string; readonly expiresMs: number };
  /** `mark`: the console offset of the step's node when it began; absent when nothing of the step concerns a console. */
  readonly "step-began": {
    readonly step: string;
    readonly node: string;
    readonly mark?: string;
    /** The node's console cursor moves to the mark. */
    readonly movesCursor: boolean;
    readonly agentConnected: boolean;
    readonly watch?: "from-here" | "until-here";
  };
  /** `bootId`: the boot a reboot is to end; a later look at the node tells whether it did. */
  readonly "act-began": { readonly step: string; readonly act: number; readonly kind: string; readonly bootId?: string };
  readonly "act-done": { readonly step: string; readonly act: number; readonly outputs?: StepOutputs };
  /** `requirement`: index in the step, absent for what an act showed; `expectation`: id within a console requirement. */
  readonly evidence: {
    readonly evidence: Evidence;
    readonly requirement?: number;
    readonly expectation?: string;
    readonly outputs?: StepOutputs;
  };
  /** What the step is to bring about did not stand when it began: it is done, whatever a later look would show. */
  readonly "not-standing": { readonly step: string; readonly reason: string };
  /** `standing`: it stood already, nothing was done. */
  readonly "step-succeeded": { readonly step: string; readonly standing?: true };
  readonly "step-failed": { readonly failure: Failure };
  /** Told to stop before its end, because of a failure elsewhere or a cancel. */
  readonly "step-stopped": { readonly step: string };
  /** Acts and evidence of the rescue follow under the step id that `rescueId` makes. */
  readonly "rescue-began": { readonly step: string; readonly node: string; readonly title: string; readonly agentConnected: boolean };
  /** `summary`: a sentence that names the node and says what came of it. */
  readonly "rescue-ended": {
    readonly step: string;
    readonly node: string;
    readonly title: string;
    readonly done: boolean;
    readonly summary: string;
  };
  readonly cancelling: { readonly by: string };
  /** A new controller process took the run up again. */
  readonly resumed: { readonly reason: string };
  /** Last entry. `failure` when no step-failed told why. */
  readonly ended: { readonly outcome: Outcome; readonly failure?: Failure };
}

export type RunEntryType = keyof RunEntries;

/** An entry before it has a place in the journal. */
export type RunFact = { readonly [T in RunEntryType]: { readonly type: T; readonly data: RunEntries[T] } }[RunEntryType];

/** An entry of a run, read back. */
export type RunEntry = RunFact & Pick<JournalEntry, "runId" | "sequence" | "timeMs">;

/** Gives a stored entry its type. The journal holds only what `RunFact` allowed in, so nothing is checked twice. */
export function asRunEntry(entry: JournalEntry): RunEntry {
  return entry as RunEntry;
}
