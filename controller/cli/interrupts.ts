/** Ctrl-C: the first asks the command to stop; one more leaves by force, for commands that cannot hear the first. */
import { CancelledError } from "../../proto/base/errors.js";

/** What of `process` is needed. */
export interface Signalled {
  readonly pid: number;
  on(signal: "SIGINT" | "SIGTERM", listener: (signal: "SIGINT" | "SIGTERM") => void): unknown;
  removeListener(signal: "SIGINT" | "SIGTERM", listener: (signal: "SIGINT" | "SIGTERM") => void): unknown;
  listenerCount(signal: "SIGINT" | "SIGTERM"): number;
  kill(pid: number, signal: "SIGINT" | "SIGTERM"): unknown;
}

export interface Interrupts {
  /** Aborts with CancelledError at the first signal. */
  readonly signal: AbortSignal;
  /** Gives the signals back. Idempotent. */
  close(): void;
}

export function listenForInterrupts(target: Signalled): Interrupts {
  const interrupt = new AbortController();
  const onSignal = (signal: "SIGINT" | "SIGTERM") => {
    // A command that listens itself knows what a second one means (a run goes on in the controller).
    const forced = interrupt.signal.aborted && target.listenerCount(signal) === 1;
    if (!forced) return interrupt.abort(new CancelledError("cancelled"));
    close();
    // By the signal itself: process.exit would wait for file operations, and one of those may be what hangs.
    target.kill(target.pid, signal);
  };
  const close = () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) target.removeListener(signal, onSignal);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) target.on(signal, onSignal);
  return { signal: interrupt.signal, close };
}
