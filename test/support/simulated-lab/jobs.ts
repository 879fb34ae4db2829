/** Every command of a simulated machine, by its job id, as its agent would keep them; a machine that stops loses those that run. */
import { basename } from "node:path";
import { MachineView } from "../../../agent/sim/tools/machine-view.js";
import { launchedTool } from "../../../agent/sim/tools/launcher.js";
import type { Machine } from "../../../agent/sim/machine/machine.js";
import type { Tool } from "../../../agent/sim/tools/tool.js";
import { OutputTail } from "../../../controller/agents/output-tail.js";
import type { CommandRequest, CommandResult, JobReading, NodeHandle } from "../../../controller/ports.js";
import { systemClock } from "../../../proto/base/clock.js";
import { CancelledError, NotFoundError } from "../../../proto/base/errors.js";
import { SimulatedProcess } from "./process.js";

export interface SimulatedJobsOptions {
  /** Its "/", on the host. */
  readonly root: string;
  readonly machine: Machine;
  readonly tools: Readonly<Record<string, Tool>>;
  /** How much faster commands that are waited for work; started jobs take their time. */
  readonly workSpeedUp: number;
  /** Variables of every process on this machine. */
  readonly environment: Readonly<Record<string, string>>;
  /** Rejects while no agent could answer. */
  readonly linux: <T>(work: () => Promise<T>) => Promise<T>;
}

type OnLine = (line: string, stream: "stdout" | "stderr") => void;

const firstPid = 1000;

export class SimulatedJobs {
  readonly #options: SimulatedJobsOptions;
  readonly #processes = new Map<string, SimulatedProcess>();
  readonly #notStarted = new Map<string, JobReading>();
  readonly #keys = new Set<string>();

  constructor(options: SimulatedJobsOptions) {
    this.#options = options;
  }

  readonly handle: NodeHandle["jobs"] = {
    start: (request) => this.#options.linux(async () => this.#start(request, 1)),
    read: (jobId) => this.#options.linux(async () => this.#read(jobId)),
    signal: (jobId, signal, { key }) =>
      this.#options.linux(async () => {
        if (this.#keys.has(key)) return true;
        if (this.#read(jobId) === undefined) throw new NotFoundError(`job ${jobId}: there is no such job`);
        const isSent = this.#processes.get(jobId)?.signal(signal) ?? false;
        if (isSent) this.#keys.add(key);
        return isSent;
      }),
    end: (jobId, { graceMs }) =>
      this.#options.linux(async () => {
        await this.#processes.get(jobId)?.cancel(graceMs);
        return this.#read(jobId) !== undefined;
      }),
  };

  readonly run: NodeHandle["run"] = (request, { onLine, signal }) =>
    this.#options.linux(async () => {
      this.#start(request, this.#options.workSpeedUp, onLine);
      const process = this.#processes.get(request.jobId);
      const stop = () => void process?.cancel(0);
      if (signal?.aborted === true) stop();
      signal?.addEventListener("abort", stop, { once: true });
      await process?.ended;
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted === true) throw CancelledError.from(signal);
      return finalOf(this.#read(request.jobId));
    });

  /** Nothing of this machine runs on. */
  close(): void {
    for (const process of this.#processes.values()) process.finish({ state: "lost", reason: "the test has ended" });
  }

  #read(jobId: string): JobReading | undefined {
    return this.#processes.get(jobId)?.reading ?? this.#notStarted.get(jobId);
  }

  #start(request: CommandRequest, speedUp: number, onLine?: OnLine): JobReading {
    const present = this.#read(request.jobId);
    if (present !== undefined) return present;
    const { root, machine, tools, environment } = this.#options;
    const [program = "", ...argv] = request.argv;
    const view = new MachineView({
      rootDirectory: root,
      cwd: request.cwd === "" ? "/" : request.cwd,
      ask: (asked) => machine.onToolRequest(asked),
    });
    // A file that was copied from elsewhere is what it was there, whatever it is called.
    const tool = tools[(program.includes("/") ? launchedTool(view.read(program)) : undefined) ?? basename(program)];
    if (tool === undefined) return this.#failToStart(request.jobId, `${program}: no such program on the PATH`);
    if (!view.exists(".")) return this.#failToStart(request.jobId, `working directory ${view.cwd}: there is no such directory`);
    const lines = { stdout: linesTo(onLine, "stdout"), stderr: linesTo(onLine, "stderr") };
    const process = new SimulatedProcess({
      tool,
      argv,
      machine: view,
      env: { ...environment, ...request.env },
      stdin: Buffer.from(request.stdin ?? []).toString("utf8"),
      pid: firstPid + this.#processes.size,
      speedUp,
      timeoutMs: request.timeoutMs,
      onOutput: (text, stream) => lines[stream].append(Buffer.from(text)),
    });
    this.#processes.set(request.jobId, process);
    void process.ended.then(() => [lines.stdout, lines.stderr].forEach((each) => each.finish()));
    this.#endWith(machine.boot?.stopped, process);
    return process.reading;
  }

  #endWith(stopped: AbortSignal | undefined, process: SimulatedProcess): void {
    const lose = () => process.finish({ state: "lost", reason: "the machine went down under it" });
    stopped?.addEventListener("abort", lose, { once: true });
    void process.ended.then(() => stopped?.removeEventListener("abort", lose));
  }

  #failToStart(jobId: string, reason: string): JobReading {
    const nowMs = systemClock.now();
    const none = { exitCode: undefined, signal: undefined, stdout: "", stderr: "", pid: 0 };
    const reading: JobReading = { state: "not-started", reason, startedMs: nowMs, endedMs: nowMs, ...none };
    this.#notStarted.set(jobId, reading);
    return reading;
  }
}

function linesTo(onLine: OnLine | undefined, stream: "stdout" | "stderr"): OutputTail {
  return new OutputTail(onLine && ((line) => onLine(line, stream)));
}

function finalOf(reading: JobReading | undefined): CommandResult {
  if (reading?.endedMs === undefined || reading.state === "running") throw new Error("a command ended without its end");
  const { state, exitCode, signal, reason, stdout, stderr, startedMs, endedMs } = reading;
  return { state, exitCode, signal, reason, stdout, stderr, startedMs, endedMs };
}
