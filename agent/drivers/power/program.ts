/**
 * Programs of others as drivers call them: no shell, nothing to read, no terminal to ask at, a process group of their own. A call ends with
 * the program and with whatever holds its outputs; a call given up ends all the program started, so that nothing acts after we have left.
 */
import { spawn } from "node:child_process";
import type { Clock } from "../../../proto/base/clock.js";
import { FailedError } from "../../../proto/base/errors.js";
import { answerOf } from "./answer.js";

/** Enough for a word and a complaint, in characters. */
const kept = 4096;

export interface ProgramCall {
  /** For messages: "power command /usr/local/bin/plug status". */
  readonly subject: string;
  readonly argv: readonly string[];
  /** Beside this process's own environment, less what is meant for this process (LABD_…: a join token may be there). */
  readonly env: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  /** What to do when the program cannot be started. */
  readonly remedy: string;
}

export interface ProgramEnding {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  /** Its beginning. */
  readonly stdout: string;
  /** Its end. */
  readonly stderr: string;
}

/** Throws FailedError when it does not start, UnreachableError when it does not end in time, CancelledError. */
export function callProgram(clock: Clock, call: ProgramCall, options?: { signal?: AbortSignal | undefined }): Promise<ProgramEnding> {
  const { subject, deadlineMs } = call;
  const wait = { subject, awaited: "its end", deadlineMs, next: "it was ended with all it had started; try it by hand" };
  return answerOf(clock, wait, (signal) => run(call, signal), options);
}

function run({ subject, argv, env, remedy }: ProgramCall, signal: AbortSignal): Promise<ProgramEnding> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const notStarted = (cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      reject(new FailedError(`${subject}: did not start: ${why}; ${remedy}`, { cause }));
    };
    const child = (() => {
      try {
        return spawn(program, args, { env: { ...ownEnvironment(), ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true });
      } catch (error) {
        return notStarted(error);
      }
    })();
    if (child === undefined) return;
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output.stdout = (output.stdout + text).slice(0, kept);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output.stderr = (output.stderr + text).slice(-kept);
    });
    const onAbort = () => killGroup(child.pid);
    signal.addEventListener("abort", onAbort, { once: true });
    child.once("error", notStarted);
    child.once("close", (exitCode) => {
      signal.removeEventListener("abort", onAbort);
      resolve({ exitCode, ...output });
    });
  });
}

function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("LABD_")));
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
