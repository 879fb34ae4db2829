/** Runs a program to its end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { withDeadline } from "../../../proto/base/abort.js";
import { systemClock } from "../../../proto/base/clock.js";

export interface ProgramEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly deadlineMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Resolves with whatever code it ended; throws when it cannot be started or outlives the deadline (60 s), after killing it. */
export async function programEnd(argv: readonly string[], { deadlineMs = 60_000, env = {} }: ProgramOptions = {}): Promise<ProgramEnd> {
  const [program = "", ...args] = argv;
  // The test runner's hooks in NODE_OPTIONS are not for other programs.
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NODE_OPTIONS: "", ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const lastSeen = () => (stderr || stdout).trim().split("\n").at(-1);
  try {
    const [code] = (await withDeadline(systemClock, { subject: program, awaited: "its end", deadlineMs, lastSeen }, () =>
      once(child, "close"),
    )) as [number | null];
    return { code, stdout, stderr };
  } finally {
    if (child.exitCode === null) child.kill("SIGKILL");
  }
}

/** Its stdout; throws with the end of stderr when it ended with another code than 0. */
export async function outputOf(argv: readonly string[], options?: ProgramOptions): Promise<string> {
  const { code, stdout, stderr } = await programEnd(argv, options);
  if (code !== 0) throw new Error(`${argv.join(" ")}: exit code ${code}: ${stderr.trim().split("\n").slice(-8).join("\n")}`);
  return stdout;
}
