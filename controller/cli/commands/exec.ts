/** lab exec: one command on many nodes, output prefixed by node, each exit code told. */
import { randomUUID } from "node:crypto";
import { CancelledError, describeError, FailedError, UnreachableError } from "../../../proto/base/errors.js";
import type { Job } from "../../../proto/gen/lab/v1/command.js";
import type { Connection } from "../connection.js";
import { type Context, withLab } from "../context.js";
import { failureOfMany } from "../failures.js";
import { toJson } from "../json.js";
import { pad } from "../terminal.js";
import { nodeNames } from "./power.js";

export async function execute(
  context: Context,
  nodeset: string,
  argv: readonly string[],
  options: { timeoutMs: number; cwd: string },
): Promise<void> {
  await withLab(context, async (lab) => {
    const names = await nodeNames(lab, nodeset, context.signal);
    const width = Math.max(...names.map((name) => name.length));
    const outcomes = await Promise.all(
      names.map(async (node, index) => {
        const prefix = names.length === 1 ? "" : `${context.terminal.style.node(index)(pad(node, width))} ▏`;
        try {
          return { node, job: await runOn(context, lab, node, argv, options, prefix) };
        } catch (error) {
          if (names.length === 1) throw error;
          return { node, error: describeError(error), thrown: error };
        }
      }),
    );
    const wrong = outcomes.flatMap((each) => ("job" in each ? jobProblem(each.node, each.job) : [`${each.node}: ${each.error}`]));
    if (context.json)
      for (const { node, ...rest } of outcomes)
        context.terminal.print(toJson({ node, ...("job" in rest ? { ended: rest.job } : { error: rest.error }) }));
    if (context.signal.aborted) throw new CancelledError("cancelled; the jobs were ended");
    const thrown = outcomes.flatMap((each) => ("thrown" in each ? [each.thrown] : []));
    if (wrong.length > thrown.length) throw new FailedError(wrong.join("\n"));
    if (wrong.length > 0) throw failureOfMany(wrong.join("\n"), names.length, thrown);
  });
}

async function runOn(
  context: Context,
  lab: Connection,
  node: string,
  argv: readonly string[],
  options: { timeoutMs: number; cwd: string },
  prefix: string,
): Promise<Job> {
  const { signal, terminal } = context;
  const jobId = `exec-${randomUUID()}`;
  await lab.commands.startJob(
    { node, jobId, argv: [...argv], cwd: options.cwd, env: {}, stdin: Buffer.alloc(0), timeoutMs: options.timeoutMs, fence: undefined },
    { signal },
  );
  const lines = { stdout: new LineBuffer(), stderr: new LineBuffer() };
  const emit = (stream: "stdout" | "stderr", line: string) => {
    if (context.json) terminal.print(toJson({ node, stream, line }));
    else if (stream === "stdout") terminal.print(prefix + line);
    else terminal.note(prefix + line);
  };
  try {
    for await (const { event } of lab.commands.followJob({ node, jobId, stdoutOffset: 0n, stderrOffset: 0n }, { signal })) {
      if (event?.$case === "stdout" || event?.$case === "stderr")
        for (const line of lines[event.$case].push(event.value.data)) emit(event.$case, line);
      else if (event?.$case === "ended") {
        for (const stream of ["stdout", "stderr"] as const) for (const line of lines[stream].rest()) emit(stream, line);
        return event.value;
      }
    }
  } catch (error) {
    if (error instanceof UnreachableError && !signal.aborted) {
      const what = `node ${node}: lost while "${argv[0] ?? ""}" (job ${jobId}) ran there`;
      throw new UnreachableError(`${what}: ${error.message}; a job outlives its agent, not its machine: lab nodes ${node}`, {
        cause: error,
      });
    }
    if (!signal.aborted) throw error;
    return await lab.commands.cancelJob({ node, jobId, graceMs: 0 });
  }
  throw new FailedError(`${node}: the job's output ended without its result; look with: lab exec ${node} -- true`);
}

function jobProblem(node: string, job: Job): string[] {
  if (job.state === "exited" && job.exitCode === 0) return [];
  if (job.state === "exited") return [`${node}: ${job.argv[0] ?? ""} exited with ${job.exitCode}`];
  if (job.state === "not-started" || job.state === "lost") return [`${node}: ${job.argv[0] ?? ""}: ${job.state}: ${job.reason}`];
  return [`${node}: ${job.argv[0] ?? ""}: ${job.state} (${job.signal})`];
}

/** Bytes in, whole lines out. */
class LineBuffer {
  #rest = Buffer.alloc(0);

  push(data: Uint8Array): string[] {
    const bytes = Buffer.concat([this.#rest, data]);
    const end = bytes.lastIndexOf(10);
    this.#rest = bytes.subarray(end + 1);
    return end < 0 ? [] : bytes.subarray(0, end).toString("utf8").split("\n");
  }

  rest(): string[] {
    const rest = this.#rest.toString("utf8");
    this.#rest = Buffer.alloc(0);
    return rest === "" ? [] : [rest];
  }
}
