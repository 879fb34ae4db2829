/** What a stand-in tool is given, and what it gives back. */
import type { MachineView } from "./machine-view.js";

export interface ToolCall {
  /** Arguments after the tool's name. */
  readonly argv: readonly string[];
  readonly machine: MachineView;
  /** Wall time in ms since the Unix epoch. */
  now(): number;
  /** Lets time pass, as work would. */
  work(milliseconds: number): Promise<void>;
  /** All of standard input; empty when it is a terminal. */
  stdin(): Promise<string>;
  out(text: string): void;
  err(text: string): void;
}

/** Runs to the end; the result is the exit code. */
export type Tool = (call: ToolCall) => Promise<number> | number;
