/** What has become of a job whose supervisor may be gone: decided from its directory, once and for ever. */
import type { Clock } from "../../../proto/base/clock.js";
import type { Logger } from "../../../proto/base/logger.js";
import type { JobDirectory, JobResult, StoredRequest } from "./job-directory.js";
import { identityOf, isAlive, signalProcess } from "./process-identity.js";

export interface Circumstances {
  /** A supervisor this process started is, or may be, on its way to claim the job. */
  readonly launching: boolean;
  /** Boot id of the machine now. */
  readonly bootId: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The job's result; undefined while it runs. A job nobody stands behind any more gets its result here. */
export async function settledResult(
  directory: JobDirectory,
  request: StoredRequest,
  circumstances: Circumstances,
): Promise<JobResult | undefined> {
  const written = await directory.readResult();
  if (written !== undefined) return written;
  const sameBoot = request.bootId === circumstances.bootId;
  const claim = await directory.readClaim();
  if (claim === undefined) {
    // A supervisor of an agent that died a moment ago may still be on its way as well: the claim decides.
    if (circumstances.launching || !(await directory.claim(identityOf(process.pid)))) return undefined;
    const reason = `its supervisor ended before it could start the program${await complaintOf(directory)}`;
    return conclude(directory, request, { state: "not-started", reason }, circumstances);
  }
  if (sameBoot && isAlive(claim)) return undefined;
  // It may have written its result and ended since the first look.
  const late = await directory.readResult();
  if (late !== undefined) return late;
  if (!sameBoot) {
    const reason = `the machine went down under it (boot ${request.bootId}, now ${circumstances.bootId})`;
    return conclude(directory, request, { state: "lost", reason }, circumstances);
  }
  const started = await directory.readStarted();
  // Nobody would ever tell its end: a job that is lost does not run on.
  if (started !== undefined && isAlive(started)) signalProcess(-started.pid, "SIGKILL");
  const reason = `its supervisor (process ${claim.pid}) ended without a result${await complaintOf(directory)}`;
  return conclude(directory, request, { state: "lost", reason }, circumstances);
}

async function complaintOf(directory: JobDirectory): Promise<string> {
  const complaint = await directory.lastComplaint();
  return complaint === "" ? "" : `: ${complaint}`;
}

async function conclude(
  directory: JobDirectory,
  request: StoredRequest,
  outcome: Pick<JobResult, "state" | "reason">,
  { clock, log }: Circumstances,
): Promise<JobResult> {
  const result = { ...outcome, endedMs: clock.now() };
  log.warn({ job: request.id, program: request.argv[0], reason: outcome.reason }, "job settled without its supervisor");
  // On a full disk it is concluded again, with the same outcome, whenever somebody asks.
  await directory.writeResult(result).catch((err: unknown) => log.error({ err, job: request.id }, "job result not stored"));
  return result;
}
