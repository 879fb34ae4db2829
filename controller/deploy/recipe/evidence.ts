/** Part of recipe.ts: what can be seen of a node, and what a recipe says of it. */
import type { Json, Known } from "./known.js";

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

/** A job on the same node, and when its state means that nothing more is to be expected of it. */
export interface Meanwhile {
  readonly job: (known: Known) => string;
  /** Only a verdict that is final counts. */
  readonly judge: (job: JobSeen, known: Known) => Verdict;
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
      /**
       * Who is to write it: looked at whenever the file does not do. Its final verdict ends the wait, after one more look at the file,
       * which may be the last thing it wrote.
       */
      readonly meanwhile?: Meanwhile;
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
  /** What programs may still take, by the kernel's own estimate. */
  readonly memoryAvailableBytes: number;
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
