/** Part of recipe.ts: what can be done to a node. */
import type { CommandOutcome, Verdict } from "./evidence.js";
import type { Outputs } from "./known.js";

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
