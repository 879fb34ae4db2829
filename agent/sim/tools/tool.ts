/** What a stand-in tool is given, and what it gives back. */
import type { MachineView } from "./machine-view.js";

export interface ToolCall {
  /** Arguments after the tool's name. */
  readonly argv: readonly string[];
  readonly machine: MachineView;
  /** As the machine's /proc shows it; default: that of the process this runs in. */
  readonly pid?: number;
  /** Wall time in ms since the Unix epoch. */
  now(): number;
  /** Lets time pass, as work would. */
  work(milliseconds: number): Promise<void>;
  /** All of standard input; empty when it is a terminal. */
  stdin(): Promise<string>;
  /** Environment of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** From now on this signal calls `handler`; before, and without a handler, it ends the process as signals do. */
  onSignal(signal: "SIGUSR1" | "SIGUSR2" | "SIGINT" | "SIGTERM", handler: () => void): void;
  out(text: string): void;
  err(text: string): void;
}

/** Runs to the end; the result is the exit code. */
export type Tool = (call: ToolCall) => Promise<number> | number;
