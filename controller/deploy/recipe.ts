/**
 * What a recipe is made of. A recipe is policy: data and pure functions. It decides which steps a deployment has, what each does
 * and what each must show; the runner does the doing. A recipe imports this file and nothing else of ours, performs no I/O and
 * keeps no state: the same input gives the same plan, today and after a controller crash.
 */
import type { z } from "zod";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
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

/** What earlier steps put out, by step id. */
export type Outputs = Readonly<Record<string, Readonly<Record<string, Json>>>>;

/** What is known when a step runs. */
export interface Known {
  readonly runId: string;
  /** Chosen per run, letters and digits: evidence that carries it can come from no earlier run. */
  readonly nonce: string;
  readonly outputs: Outputs;
  /** Whether the node's own agent was connected as the step began; journalled with "begin", so that a resumed step decides the same. */
  readonly agentConnected: boolean;
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
   * For long work whose result can be told from what is there. Outputs count as those of `evidence` do.
   */
  readonly standing?: readonly Look[];
  /** Done when this step has failed or was stopped, before the run ends, whatever else happens: brings the node back to where others can use it. */
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
  readonly acts: (known: Known) => readonly Act[];
  readonly evidence: readonly Look[];
}

/** Something done to a node, each exactly once: the runner gives every act a key the agent remembers. */
export type Act =
  /** No shell. A non-zero exit fails the step with the last lines, unless `expect` judges otherwise; zero proves nothing. */
  | {
      readonly kind: "command";
      readonly argv: readonly string[];
      readonly cwd?: string;
      readonly env?: Readonly<Record<string, string>>;
      readonly stdin?: string;
      readonly timeoutMs: number;
      readonly expect?: (result: CommandOutcome) => Verdict;
    }
  /**
   * Starts a command that outlives the step and, unless a later step ends it, the run. Done when the process exists. Puts out
   * `{ [name]: { job, pid, startedMs } }`: see `startedJob`.
   */
  | {
      readonly kind: "start";
      readonly name: string;
      readonly argv: readonly string[];
      readonly cwd?: string;
      readonly env?: Readonly<Record<string, string>>;
      /** Ended after this time; 0 = never. */
      readonly timeoutMs: number;
    }
  /** Sends one signal, once, to the process of a started job (not to its children). Succeeds when it has ended already. */
  | { readonly kind: "signal"; readonly job: string; readonly signal: "SIGUSR1" | "SIGUSR2" | "SIGINT" | "SIGTERM" | "SIGKILL" }
  /** Ends a started job and its whole process group: SIGTERM, then SIGKILL after the grace time. Succeeds when it has ended or is unknown. */
  | { readonly kind: "end"; readonly job: string; readonly graceMs?: number }
  /** Lets time pass, for what is defined by time: "a checkpoint every 10 s". Never instead of evidence. */
  | { readonly kind: "pause"; readonly forMs: number; readonly why: string }
  | { readonly kind: "write-file"; readonly path: string; readonly contents: string; readonly mode?: number; readonly inPlace?: boolean }
  /** Reads, transforms, writes. `edit` must give the same result when applied to its own result. A string in `problem` fails the step. */
  | {
      readonly kind: "edit-file";
      readonly path: string;
      readonly edit: (text: string) => { readonly text: string } | { readonly problem: string };
    }
  | { readonly kind: "remove-file"; readonly path: string; readonly recursive?: boolean }
  | {
      readonly kind: "put-boot-entry";
      readonly entry: {
        readonly id: string;
        readonly title: string;
        readonly kernel: string;
        readonly initrd: string;
        readonly arguments: string;
        readonly linux16: boolean;
      };
    }
  | { readonly kind: "remove-boot-entry"; readonly id: string }
  | { readonly kind: "boot-once"; readonly id: string }
  | { readonly kind: "power"; readonly verb: "on" | "off" | "cycle" | "reset" | "soft"; readonly deadlineMs: number }
  /** Puts out `endedBootId`: what comes back must be another boot. */
  | { readonly kind: "reboot" };

export interface CommandOutcome {
  readonly exitCode: number | undefined;
  readonly state: string;
  /** At most the last 1 MiB of each. */
  readonly stdout: string;
  readonly stderr: string;
  /** By the node's clock, ms since the Unix epoch; `endedMs` is undefined while it runs. */
  readonly startedMs: number;
  readonly endedMs: number | undefined;
}

/** A started job as it is now; `state` is "running" until it has ended. */
export interface JobSeen extends CommandOutcome {
  readonly signal: string | undefined;
  readonly pid: number;
}

/** What a "start" act of this name put out in the outputs of a step. */
export interface StartedJob {
  /** For "signal", "end" and the requirement "job". */
  readonly job: string;
  readonly pid: number;
  readonly startedMs: number;
}

/** The job that step `step` started under `name`; undefined when it did not (or not yet). */
export function startedJob(outputs: Outputs, step: string, name: string): StartedJob | undefined {
  return outputs[step]?.[name] as unknown as StartedJob | undefined;
}

/** A judgement of something seen. Not ok and not `final`: asked again until the requirement's deadline. */
export type Verdict =
  | {
      readonly ok: true;
      /** The lines it rests on. */
      readonly lines?: readonly string[];
      /** Kept under this step's id for later steps and for undeploy. */
      readonly outputs?: Readonly<Record<string, Json>>;
    }
  | { readonly ok: false; readonly reason: string; readonly final?: boolean; readonly lines?: readonly string[] };

interface Wait {
  /** What it proves, in words a record can cite. */
  readonly claim: string;
  /** Counted from the requirement before it (the first: from the end of the acts). */
  readonly withinMs: number;
}

/** Something that must be seen for a step to count as done. */
export type Requirement =
  /** Lines on the node's console, in order, after the console cursor of the node (set by the newest mark, else where the last match ended). */
  | { readonly kind: "console"; readonly expectations: (known: Known) => readonly Expectation[]; readonly describe: readonly Expectation[] }
  | (Wait & {
      readonly kind: "command";
      readonly argv: (known: Known) => readonly string[];
      readonly cwd?: string;
      readonly judge: (result: CommandOutcome, known: Known) => Verdict;
    })
  /** A job that a "start" act started. A job that is unknown to the node fails the step. */
  | (Wait & { readonly kind: "job"; readonly job: (known: Known) => string; readonly judge: (job: JobSeen, known: Known) => Verdict })
  | (Wait & {
      readonly kind: "file";
      readonly path: (known: Known) => string;
      /** `text` is given for regular files up to 1 MiB when `wantText`. */
      readonly wantText?: boolean;
      readonly judge: (file: FileSeen | undefined, known: Known) => Verdict;
    })
  | (Wait & { readonly kind: "facts"; readonly judge: (facts: FactsSeen, known: Known) => Verdict })
  | (Wait & { readonly kind: "boot-menu"; readonly judge: (menu: BootMenuSeen, known: Known) => Verdict })
  | (Wait & { readonly kind: "power"; readonly state: "on" | "off" })
  /** The site agent captures this node's console and the line is up. */
  | (Wait & { readonly kind: "console-up" });

/** A requirement that can be looked at: all but lines on a console, which come once. */
export type Look = Exclude<Requirement, { readonly kind: "console" }>;

/** Where a line must come from to count. "kernel": starts with "[ssss.uuuuuu] "; "program": inside a STDOUT block; "any". */
export type LineOrigin = "kernel" | "program" | "any";

/** One line awaited on a console. */
export interface Expectation extends Wait {
  /** Unique within its list; stable: records cite it. */
  readonly id: string;
  /** Matched against the line as latin1 text without its end and, for kernel lines, without the time stamp. Use flexible white space. */
  readonly pattern: RegExp;
  readonly where: LineOrigin;
  /** A line that matches but says the wrong thing fails at once, with this reason. Undefined: it is right. */
  readonly check?: (match: RegExpMatchArray) => string | undefined;
  /** Outputs taken from the match. */
  readonly outputs?: (match: RegExpMatchArray) => Readonly<Record<string, Json>>;
  /** Not needed for success; proven when seen before the next needed one. */
  readonly optional?: boolean;
}

export interface FileSeen {
  readonly kind: "file" | "directory" | "link" | "device" | "other";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly sha256: string | undefined;
  readonly text: string | undefined;
}

export interface FactsSeen {
  readonly kernel: string;
  readonly kernelRelease: string;
  readonly arch: string;
  readonly bootId: string;
  readonly uptimeS: number;
  readonly cpuCount: number;
  readonly cpuModel: string;
  readonly memoryBytes: number;
  readonly disks: readonly { readonly mount: string; readonly sizeBytes: number; readonly freeBytes: number }[];
  readonly modules: readonly string[];
  readonly commandLine: string;
}

export interface BootMenuSeen {
  readonly entries: readonly {
    readonly id: string;
    readonly title: string;
    readonly kernel: string;
    readonly arguments: string;
    readonly linux16: boolean;
  }[];
  readonly defaultEntry: string;
  readonly nextEntry: string;
}
