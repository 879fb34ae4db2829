/** A lab-agent as a real process, and a controller's end for it: a port it dials, and the channel over which it is called. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";
import { withDeadline } from "../../../proto/base/abort.js";
import { systemClock } from "../../../proto/base/clock.js";
import { BoundedQueue } from "../../../proto/base/queue.js";
import { AgentServiceService } from "../../../proto/gen/lab/v1/agent.js";
import { BmcServiceService } from "../../../proto/gen/lab/v1/bmc.js";
import { BootServiceService } from "../../../proto/gen/lab/v1/boot.js";
import { CommandServiceService, type Job } from "../../../proto/gen/lab/v1/command.js";
import { ConsoleServiceService } from "../../../proto/gen/lab/v1/console.js";
import { FileServiceService } from "../../../proto/gen/lab/v1/file.js";
import { NodeServiceService } from "../../../proto/gen/lab/v1/node.js";
import { PowerServiceService } from "../../../proto/gen/lab/v1/power.js";
import { clientOf } from "../../../proto/rpc/client.js";
import { saveIdentity } from "../../../proto/rpc/identity.js";
import { channelOver, type ReverseChannel } from "../../../proto/rpc/reverse.js";
import { issueIdentity, openLabPort } from "../rpc/lab-port.js";
import { scratchDirectory } from "./scratch.js";

const dist = fileURLToPath(new URL("../../../", import.meta.url));

/** The program of the agent as node runs it here, and as one file for old nodes. */
export const agentPrograms = { module: join(dist, "agent/main.js"), bundle: join(dist, "lab-agent.cjs") } as const;

export interface Bench {
  readonly directory: string;
  readonly address: string;
  /** Starts the agent; a second one is the agent after a restart. */
  start(options?: StartOptions): ChildProcess;
  /** What the controller calls, over the agent's next connection. */
  connected(): Promise<Clients>;
  /** Everything agents have logged. */
  log(): Promise<string>;
}

export interface StartOptions {
  readonly program?: string;
  readonly runtime?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly stdin?: "ignore" | "pipe";
}

export type Clients = ReturnType<typeof clientsOver>;

/** A lab with one agent, "p0", which is admitted already. Agents left are killed when the test ends. */
export async function agentBench(t: Test): Promise<Bench> {
  const directory = await scratchDirectory(t);
  const arrivals = new BoundedQueue<ReverseChannel>(10);
  await mkdir(join(directory, "controller"));
  const port = await openLabPort(join(directory, "controller"), {
    onAgent: (socket, agent) => {
      const taken = channelOver(socket, { label: `agent ${agent}`, clock: systemClock });
      void taken.then((channel) => arrivals.offer(channel));
    },
  });
  const state = join(directory, "state");
  await saveIdentity(join(state, "identity"), await issueIdentity(port.authority, { name: "p0", role: "agent" }));
  const children: ChildProcess[] = [];
  t.teardown(async () => {
    await Promise.all(children.map((child) => ended(child, "SIGKILL")));
    await port.close();
  });
  const logFile = join(directory, "agent.log");
  const base = { name: "p0", controller: port.address, state, logFile };
  return {
    directory,
    address: port.address,
    start({ program = agentPrograms.module, runtime = process.execPath, config = {}, stdin = "ignore" } = {}) {
      const file = join(directory, "agent.json");
      const output = openSync(logFile, "a");
      writeFileSync(file, JSON.stringify({ ...base, ...config }));
      // The test runner makes every child load its hooks by NODE_OPTIONS; an old node refuses them.
      const child = spawn("env", ["-u", "NODE_OPTIONS", runtime, program, "--config", file], { stdio: [stdin, output, output] });
      children.push(child);
      return child;
    },
    async connected() {
      const lastSeen = () => readFileSync(logFile, "utf8").trim().split("\n").at(-1);
      const wait = { subject: "agent p0", awaited: "its connection", deadlineMs: 20_000, lastSeen };
      const { value } = await withDeadline(systemClock, wait, () => arrivals.next());
      return clientsOver(value as ReverseChannel);
    },
    log: () => readFile(logFile, "utf8"),
  };
}

/** Ends a process with a signal and waits for its end; resolves with its exit code. */
export async function ended(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, "exit");
    if (signal !== undefined) child.kill(signal);
    await exit;
  }
  return child.exitCode;
}

export const fence = { leaseId: "lease-1", epoch: 1n };

function clientsOver(channel: ReverseChannel) {
  return {
    channel,
    agent: clientOf(AgentServiceService, channel),
    node: clientOf(NodeServiceService, channel),
    boot: clientOf(BootServiceService, channel),
    command: clientOf(CommandServiceService, channel),
    file: clientOf(FileServiceService, channel),
    power: clientOf(PowerServiceService, channel),
    bmc: clientOf(BmcServiceService, channel),
    console: clientOf(ConsoleServiceService, channel),
  };
}

export function job(jobId: string, script: string) {
  return { node: "p0", jobId, argv: ["/bin/sh", "-c", script], cwd: "", env: {}, stdin: Buffer.alloc(0), timeoutMs: 0, fence };
}

/** Follows a job to its end. */
export async function followed({ command }: Clients, jobId: string, stdoutOffset = 0n): Promise<{ stdout: string; job: Job | undefined }> {
  let stdout = "";
  for await (const { event } of command.followJob({ node: "p0", jobId, stdoutOffset, stderrOffset: 0n })) {
    if (event?.$case === "stdout") stdout += event.value.data.toString();
    if (event?.$case === "ended") return { stdout, job: event.value };
  }
  return { stdout, job: undefined };
}
