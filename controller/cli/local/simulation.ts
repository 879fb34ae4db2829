/** A simulation that runs on this machine, asked over the socket its state directory leads to: one JSON line each way. */
import { readlink } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { withDeadline } from "../../../proto/base/abort.js";
import { errorCodes, FailedError, errorFromCode, UnreachableError } from "../../../proto/base/errors.js";
import type { Context } from "../context.js";

export type SimulationRequest =
  | { readonly op: "list" }
  | { readonly op: "begin"; readonly node: string; readonly faults: readonly string[] }
  /** No faults = all of them. */
  | { readonly op: "heal"; readonly node: string; readonly faults: readonly string[] };

const replyShape = z.union([
  z.object({ error: z.object({ code: z.enum(errorCodes), message: z.string() }) }),
  z.object({
    /** What can be wrong; of a list only. */
    kinds: z.array(z.object({ name: z.string(), does: z.string(), takes: z.string(), default: z.string() })).default([]),
    /** What is wrong now. */
    nodes: z.array(z.object({ node: z.string(), faults: z.array(z.string()) })),
  }),
]);
export type SimulationReply = Exclude<z.output<typeof replyShape>, { error: unknown }>;

const deadlineMs = 5_000;

/** Throws UnreachableError when none runs, DeadlineError, and what the simulation refuses with. */
export async function askSimulation({ directory, clock, signal }: Context, request: SimulationRequest): Promise<SimulationReply> {
  // A link, because the path of a socket may not be long.
  const path = await readlink(join(directory.simulation, "control")).catch((cause: unknown) => {
    throw noneRuns(directory.simulation, cause);
  });
  const wait = { subject: "lab sim", awaited: "the simulation's answer", deadlineMs };
  const line = await withDeadline(clock, wait, (signal) => converse(path, directory.simulation, JSON.stringify(request), signal), {
    signal,
  });
  const reply = readReply(line);
  if ("error" in reply) throw errorFromCode(reply.error.code, reply.error.message);
  return reply;
}

function readReply(line: string): z.output<typeof replyShape> {
  try {
    return replyShape.parse(JSON.parse(line));
  } catch (cause) {
    throw new FailedError("lab sim: the simulation answered in words this lab does not know; start it anew with this version", { cause });
  }
}

function converse(path: string, directory: string, line: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(path);
    const abandon = () => connection.destroy();
    signal.addEventListener("abort", abandon, { once: true });
    let text = "";
    connection.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    connection.once("connect", () => connection.write(`${line}\n`));
    connection.once("error", (cause) => reject(noneRuns(directory, cause)));
    connection.once("close", () => {
      signal.removeEventListener("abort", abandon);
      resolve(text);
    });
  });
}

function noneRuns(directory: string, cause: unknown): UnreachableError {
  return new UnreachableError(`no simulation runs in ${directory}; start one with: lab up INVENTORY --sim`, { cause });
}
