/** A signal to a job's own process, at most once per key whoever dies in between. */
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { DeadlineError } from "../../../proto/base/errors.js";
import type { Job, JobSignal } from "../../ports/command.js";
import type { JobDirectory, Started } from "./job-directory.js";
import { isAlive, signalProcess } from "./process-identity.js";

const pollMs = 25;
/** For a supervisor to come up and start the program. */
const startDeadlineMs = 15_000;

/** `look`: the job now; it settles a job nobody stands behind any more. */
export async function signalJob(
  directory: JobDirectory,
  { signal, key }: { signal: JobSignal; key: string },
  { look, clock }: { look: () => Promise<Job>; clock: Clock },
): Promise<{ sent: boolean; replayed: boolean }> {
  const started = await startedProcess(directory, look, clock);
  // Before the key is looked up: a process that has ended is not signalled, whoever asked first.
  const runs = started !== undefined && isAlive(started);
  if (await directory.hasSignal(key)) return { sent: true, replayed: true };
  if (!runs) return { sent: false, replayed: false };
  if (!(await directory.takeSignal(key, signal))) return { sent: true, replayed: true };
  // Only its parent, the supervisor, can free its process id: while it is alive the id is its own.
  return { sent: isAlive(started) && signalProcess(started.pid, signal), replayed: false };
}

/** The job's process; undefined when the job has ended. */
async function startedProcess(directory: JobDirectory, look: () => Promise<Job>, clock: Clock): Promise<Started | undefined> {
  const began = clock.monotonicMs();
  for (;;) {
    const job = await look();
    if (job.state !== "running") return undefined;
    const started = await directory.readStarted();
    if (started !== undefined) return started;
    const waitedMs = clock.monotonicMs() - began;
    if (waitedMs > startDeadlineMs) throw new DeadlineError({ subject: `job ${job.id}`, awaited: "the start of its program", waitedMs });
    await sleep(clock, pollMs);
  }
}
