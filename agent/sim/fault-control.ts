/**
 * Faults of a running simulation, from outside: `control` in its state directory leads to a unix socket; one JSON line in, one out.
 *
 *     {"op":"list"}  {"op":"begin","node":"p0","faults":["drop=30%"]}  {"op":"heal","node":"p0","faults":["drop"]}
 *
 * Every answer but a refusal tells what is on afterwards: {"kinds":[…],"nodes":[{"node":"p0","faults":["drop=30%"]}]}; `begin` and `heal`
 * of one node only. Healing nothing heals all. A refusal is {"error":{"code":"invalid-argument","message":"…"}}, and changes nothing.
 */
import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nearest } from "../../inventory/nearest.js";
import { describeError, InvalidArgumentError, LabError, NotFoundError } from "../../proto/base/errors.js";
import { type ActiveFaults, faultKind, faultTable, parseFault } from "./bmc/faults/index.js";
import { type LineSocket, listenForLines } from "./line-socket.js";

/** A machine whose BMC may have faults. */
export interface FaultyNode {
  readonly name: string;
  readonly faults: ActiveFaults | undefined;
}

const requestShape = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("list") }),
  z.strictObject({ op: z.literal("begin"), node: z.string(), faults: z.array(z.string()) }),
  z.strictObject({ op: z.literal("heal"), node: z.string(), faults: z.array(z.string()) }),
]);
type Request = z.output<typeof requestShape>;

/** The socket lies in `socketDirectory`, whose path is short; a link in the state directory leads there. */
export async function listenForFaults(
  nodes: readonly FaultyNode[],
  directories: { socketDirectory: string; stateDirectory: string },
): Promise<LineSocket> {
  const socket = await listenForLines(join(directories.socketDirectory, "control"), async (line) => {
    try {
      return carryOut(parseRequest(line), nodes);
    } catch (error) {
      return { error: { code: error instanceof LabError ? error.code : "internal", message: describeError(error) } };
    }
  });
  const link = join(directories.stateDirectory, "control");
  await rm(link, { force: true });
  await symlink(socket.path, link);
  return {
    path: socket.path,
    async close() {
      await rm(link, { force: true });
      await socket.close();
    },
  };
}

function parseRequest(line: string): Request {
  try {
    return requestShape.parse(JSON.parse(line));
  } catch (cause) {
    throw new InvalidArgumentError('a request is one line: {"op":"begin","node":"p0","faults":["drop=30%"]}', { cause });
  }
}

function carryOut(request: Request, nodes: readonly FaultyNode[]) {
  if (request.op === "list") {
    const kinds = faultTable.map(({ name, does, value }) => ({ name, does, takes: value?.takes ?? "", default: value?.default ?? "" }));
    return { kinds, nodes: nodes.filter(({ faults }) => faults !== undefined).map(state) };
  }
  const node = nodeNamed(request.node, nodes);
  const { name, faults } = node;
  if (faults === undefined) throw new InvalidArgumentError(`${name}: has no BMC in the inventory, so nothing can be wrong with it`);
  if (request.op === "begin") for (const fault of request.faults.map(parseFault)) faults.begin(fault);
  else if (request.faults.length === 0) faults.heal();
  else for (const { name } of request.faults.map((text) => faultKind(text.replace(/=.*/s, "")))) faults.heal(name);
  return { nodes: [state(node)] };
}

function state({ name, faults }: FaultyNode) {
  return { node: name, faults: faults?.texts ?? [] };
}

function nodeNamed(name: string, nodes: readonly FaultyNode[]): FaultyNode {
  const node = nodes.find((each) => each.name === name);
  if (node !== undefined) return node;
  const names = nodes.map((each) => each.name);
  const near = nearest(name, names);
  throw new NotFoundError(
    `${name}: is no simulated machine; ${near === undefined ? `there are ${names.join(" ")}` : `did you mean ${near}?`}`,
  );
}
