#!/usr/bin/env node
/** lab-agent: one program in two roles. Only what a role needs is loaded: a supervisor starts with every job. */
import { describeError, LabError } from "../proto/base/errors.js";
import { stdinClosed, superviseFlag, stdinFlag } from "./roles.js";

const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

void main(process.argv.slice(2)).then(
  () => process.exit(exitCodes.done),
  (error: unknown) => {
    const ours = error instanceof LabError;
    process.stderr.write(`lab-agent: ${ours || !(error instanceof Error) ? describeError(error) : error.stack}\n`);
    process.exit(ours && error.code === "invalid-argument" ? exitCodes.usage : exitCodes.failed);
  },
);

async function main(args: readonly string[]): Promise<void> {
  const job = args[args.indexOf(superviseFlag) + 1];
  if (args.includes(superviseFlag) && job !== undefined) return supervise(job, args.includes(stdinFlag));
  const { describeOptions, readConfig } = await import("./config.js");
  if (args.includes("--help") || args.includes("-h")) return void process.stdout.write(describeOptions());
  const config = readConfig(args, process.env);
  // Jobs inherit the environment; the token is not for them.
  delete process.env["LABD_JOIN_TOKEN"];
  const { runDaemon } = await import("./daemon.js");
  await runDaemon(config);
}

async function supervise(job: string, bound: boolean): Promise<void> {
  const { superviseJob } = await import("./host/jobs/supervisor.js");
  const { JobDirectory } = await import("./host/jobs/job-directory.js");
  const { systemClock } = await import("../proto/base/clock.js");
  await superviseJob(new JobDirectory(job), systemClock, bound ? { endsWith: stdinClosed() } : {});
}
