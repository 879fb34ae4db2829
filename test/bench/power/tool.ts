/** What a tool that switches power is asked to do here, and what it tells. */
import type { Farm } from "../farm/farm.js";
import type { Cost } from "../measure/command.js";
import type { ProgramName } from "../programs.js";
import type { Workbench } from "../workbench.js";

/** In this order: a site agent keeps a machine that it has just switched off in that state for its settling time. */
export const actions = ["stat", "on", "off", "cycle"] as const;
export type Action = (typeof actions)[number];

export interface Performance extends Cost {
  /** How often the action was done; wall and CPU are for one time. */
  readonly rounds: number;
  /** BMCs that did as asked, by the tool's own word, in the worst round. */
  readonly succeeded: number;
  /** What was said of the others. */
  readonly complaints: readonly string[];
}

export interface OpenTool {
  perform(action: Action): Promise<Performance>;
  close(): Promise<void>;
}

export interface PowerTool {
  readonly name: string;
  readonly needs: readonly ProgramName[];
  readonly actions: readonly Action[];
  open(bench: Workbench, farm: Farm): Promise<OpenTool>;
}

/** Longer than any tool's own patience. */
export const toolDeadlineMs = 300_000;
