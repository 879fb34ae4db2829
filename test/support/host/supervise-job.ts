/** A job supervisor as a program, as `lab-agent --run-job DIR` is one. */
import { systemClock } from "../../../proto/base/clock.js";
import { JobDirectory } from "../../../agent/host/jobs/job-directory.js";
import { superviseJob } from "../../../agent/host/jobs/supervisor.js";

await superviseJob(new JobDirectory(process.argv[2] ?? ""), systemClock);
