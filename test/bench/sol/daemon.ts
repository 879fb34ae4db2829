/** A program that captures the consoles of a farm, as the SOL benchmark sees it. */
import type { Farm } from "../farm/farm.js";
import type { ProgramName } from "../programs.js";
import type { Workbench } from "../workbench.js";
import type { LineCheck } from "./console-lines.js";

export interface RunningDaemon {
  readonly pid: number;
  /** From its start until every console was connected. */
  readonly connectMs: number;
  /** Bytes of console logs written by now; what it writes itself at the beginning is part of it. */
  logged(): Promise<number>;
  /** All consoles' lines of a round, and what the daemon itself says is lost. Called once, when nothing comes any more. */
  check(round: number, lines: number): Promise<DaemonCheck>;
  close(): Promise<void>;
}

export interface DaemonCheck {
  readonly lines: LineCheck;
  /** Losses the daemon recorded: "n0003: overrun at 4096". Empty for a daemon that records none. */
  readonly losses: readonly string[];
}

export interface ConsoleDaemon {
  readonly name: string;
  readonly needs: readonly ProgramName[];
  /** Resolves when every console is connected. */
  start(bench: Workbench, farm: Farm): Promise<RunningDaemon>;
}

/** A login that must be repeated takes seconds. */
export const connectWithinMs = 120_000;
