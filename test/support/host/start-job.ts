/** An agent that can be killed: starts one job (DIRECTORY ID SCRIPT), says so when it prints, and stays. */
import { fileURLToPath } from "node:url";
import { HostJobs } from "../../../agent/host/jobs/jobs.js";
import { RootDirectory } from "../../../agent/host/root-directory.js";
import { systemClock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";

const [directory = "", id = "", script = ""] = process.argv.slice(2);
const jobs = await HostJobs.open({
  directory,
  root: new RootDirectory("/"),
  clock: systemClock,
  log: silentLogger,
  supervisor: [process.execPath, fileURLToPath(new URL("supervise-job.js", import.meta.url))],
  bootId: "boot-1",
  keep: 100,
  shareStdin: false,
});
await jobs.start({ id, argv: ["/bin/sh", "-c", script], cwd: "", env: {}, stdin: new Uint8Array(), timeoutMs: 0 });
for await (const event of jobs.follow(id, { stdoutOffset: 0, stderrOffset: 0 })) {
  if (event.kind !== "ended") process.stdout.write(event.data);
}
