/**
 * What a recipe is made of. A recipe is policy: data and pure functions. It decides which steps a deployment has, what each does
 * and what each must show; the runner does the doing. A recipe imports this file and nothing else of ours, performs no I/O and
 * keeps no state: the same input gives the same plan, today and after a controller crash. What it is made of in detail is beside
 * this file, in recipe/, and comes with it.
 */
import type { z } from "zod";
import type { Act } from "./recipe/acts.js";
import type { Expectation, LineOrigin, Look, Requirement } from "./recipe/evidence.js";
import type { Known, Outputs } from "./recipe/known.js";

export { startedJob, type Act, type StartedJob } from "./recipe/acts.js";
export type {
  BootMenuSeen,
  CommandOutcome,
  Expectation,
  FactsSeen,
  FileSeen,
  JobSeen,
  LineOrigin,
  Look,
  Meanwhile,
  Requirement,
  Verdict,
} from "./recipe/evidence.js";
export { numberFrom, textFrom, type Json, type Known, type Outputs } from "./recipe/known.js";

/** "run": exercises what is deployed; which exercise, the plan says. */
export type Direction = "deploy" | "undeploy" | "run";

/** A node as a recipe sees it: what the inventory says, nothing live. */
export interface PlannedNode {
  readonly name: string;
  readonly arch: string;
  readonly address: string | undefined;
  readonly hasPower: boolean;
  /** How commands and files get to it: its own agent, ssh from another node's agent, or not at all. */
  readonly reach: "agent" | "ssh" | "none";
  /** How the inventory reaches it by ssh: user, port and the node whose agent connects. */
  readonly ssh: { readonly user: string; readonly port: number; readonly via: string } | undefined;
  /** The node's own serial device as the inventory wires it, undefined when no console is declared. */
  readonly console: { readonly line: string; readonly baudRate: number } | undefined;
}

export interface RoleSpec {
  readonly description: string;
  readonly min: number;
  readonly max: number;
}

export interface PlanInput<P> {
  readonly deployment: string;
  readonly parameters: P;
  /** Nodes bound to each role, in inventory order. Every declared role is present. */
  readonly roles: Readonly<Record<string, readonly PlannedNode[]>>;
  /**
   * What this deployment's runs have put out since the last deploy that succeeded, newest first where step ids are equal; for undeploy
   * and exercises. Empty when there was none.
   */
  readonly previous: Outputs;
}

/** Everything wrong, at once. `at`: "with.memmap", "roles.memory"; of an exercise "request.repeat"; "deployment": how the deployment stands. */
export interface PlanProblem {
  readonly at: string;
  readonly problem: string;
}

export interface PlanDraft {
  /** One line: "lego 1P-1M-1S on p0 (processor), m0 (memory), s0 (storage)". */
  readonly title: string;
  readonly steps: readonly Step[];
}

export interface Recipe<P = unknown> {
  readonly name: string;
  readonly summary: string;
  readonly roles: Readonly<Record<string, RoleSpec>>;
  /** Validates and completes `with:` of a deployment. Descriptions become its documentation. */
  readonly parameters: z.ZodType<P>;
  deploy(input: PlanInput<P>): PlanDraft | { readonly problems: readonly PlanProblem[] };
  undeploy(input: PlanInput<P>): PlanDraft | { readonly problems: readonly PlanProblem[] };
  /** What can be done with the system once it is deployed, by name: `lab run DEPLOYMENT [NAME] --KEY VALUE`. The first is the default. */
  readonly exercises?: Readonly<Record<string, Exercise<P>>>;
  /** Tables and charts that a run's outputs make; kept with its record. */
  reports?(outputs: Outputs): readonly Report[];
  /** Lines that mean this system has failed, beside the crash lines every kernel shares. */
  readonly failureLines: readonly FailureLine[];
  /** Evidence over a serial log alone, for `lab log verify`: by role, under a profile. */
  readonly logProfiles: readonly LogProfile[];
}

/** One use of a deployed system. `request`: what was asked, checked and completed by `parameters`. */
export interface Exercise<P = unknown, R = unknown> {
  readonly summary: string;
  /** An object schema; descriptions become the help of `lab run`. */
  readonly parameters: z.ZodType<R>;
  plan(input: PlanInput<P>, request: R): PlanDraft | { readonly problems: readonly PlanProblem[] };
}

/** A result as data; how it is written (terminal, CSV, SVG) is not the recipe's business. `name`: of its file, without extension. */
export type Report =
  | {
      readonly kind: "table";
      readonly name: string;
      readonly title: string;
      readonly columns: readonly string[];
      readonly rows: readonly (readonly (string | number)[])[];
    }
  | {
      readonly kind: "chart";
      readonly name: string;
      readonly title: string;
      readonly xLabel: string;
      readonly yLabel: string;
      readonly series: readonly { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] }[];
      /** Moments on the x axis: "fault". */
      readonly marks: readonly { readonly x: number; readonly label: string }[];
    };

export interface FailureLine {
  readonly pattern: RegExp;
  /** "any": whoever speaks except a program, which can print anything. */
  readonly where: LineOrigin;
  /** What it means and what to do, for a person. */
  readonly meaning: string;
}

export interface LogProfile {
  readonly role: string;
  /** Chosen by `--with KEY=VALUE`; the first profile of a role is the default. */
  readonly when: Readonly<Record<string, string>>;
  expectations(input: { nonce: string | undefined }): readonly Expectation[];
}

/**
 * One step on one node. The runner: waits for `needs`, marks the node's console when the step acts, journals "begin", performs `acts`
 * in order, then collects `evidence` in order; the step has succeeded when all of it is there, and has failed at the first missed
 * deadline, final verdict, failure line or crash line.
 *
 * A step without acts makes no mark: it reads the console on from where the node's step before it stopped, so that no line between
 * two steps is lost. Steps that read one node's console are chained by `needs`.
 */
export interface Step {
  /** "PHASE/NODE", or "PHASE/NODE/NAME" when a phase has several steps on a node. Unique in the plan. */
  readonly id: string;
  /** Steps of one phase are shown on one line; a phase's steps on different nodes run side by side unless `needs` says otherwise. */
  readonly phase: string;
  readonly node: string;
  readonly title: string;
  /** Steps that must have succeeded before: this is how barriers are made. */
  readonly needs: readonly string[];
  /** "verify": may not be done twice; after a controller crash its keyed acts are found again, never repeated blindly. */
  readonly repeat: "repeatable" | "verify";
  readonly acts?: (known: Known) => readonly Act[];
  /**
   * Looked at once when the step begins: stands all of it already, the step has succeeded with it as evidence, and nothing is done.
   * For long work whose result can be told from what is there. Outputs count as those of `evidence` do. What cannot be seen within its
   * time does not stand.
   */
  readonly standing?: readonly Look[];
  /**
   * Done when this step has failed or was stopped, by a cancel too, after all steps have ended and before the nodes are free: brings the
   * node back to where others can use it. Not when the step was stopped before its first act, nor once the lease is lost.
   */
  readonly rescue?: Rescue;
  /** What the acts may take together, for the plan's deadline. Needed where `acts` reads outputs: when a plan is printed there are none. */
  readonly actsWithinMs?: number;
  readonly evidence: readonly Requirement[];
  /**
   * Crash and failure lines on this node's console fail the run from this step's console mark on ("from-here"), or stop counting
   * once this step has begun ("until-here": the node is about to be taken down on purpose).
   */
  readonly watch?: "from-here" | "until-here";
  /** Also a cancel lets this step finish: half of it would leave the node worse off. */
  readonly uninterruptible?: boolean;
}

export interface Rescue {
  /** "power cycle p0 back into its old kernel". */
  readonly title: string;
  /** May read all outputs, also those of steps that have failed. */
  readonly acts: (known: Known) => readonly Act[];
  readonly evidence: readonly Look[];
}
