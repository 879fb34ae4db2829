/** Server and board as nodes of one simulation: their kernels answer, their sockets carry, ssh goes from one to the other. */
import { mkdir } from "node:fs/promises";
import { connect } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import t from "tap";
import { hasLinuxUp } from "../../../../../agent/sim/machine/neighbours.js";
import { type SimulatedNode } from "../../../../../agent/sim/simulated-node.js";
import { startSimulator } from "../../../../../agent/sim/simulator.js";
import { toolsOf } from "../../../../../agent/sim/systems.js";
import type { ToolReply } from "../../../../../agent/sim/kernel.js";
import { MachineView } from "../../../../../agent/sim/tools/machine-view.js";
import { systemClock } from "../../../../../proto/base/clock.js";
import { silentLogger } from "../../../../../proto/base/logger.js";
import { labOf } from "../../../../support/agent/agent-lab.js";
import { ToolProcess } from "../../../../support/hexo-sim/tool-process.js";
import { until } from "../../../../support/host/processes.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";

const inventory = `
lab: pair
agents: { site: { site: true } }
nodes:
  x86: { address: 127.0.0.1, sim: { system: hexo, post: 1 } }
  board: { arch: aarch64, address: 127.0.0.2, sim: { system: hexo, post: 1, faults: [foreign-proxy] } }
`;

async function ask(node: SimulatedNode, op: string, ...argv: string[]): Promise<ToolReply> {
  const connection = connect(node.socketPath);
  connection.write(`${JSON.stringify({ op, argv, cwd: "/" })}\n`);
  let reply = "";
  connection.on("data", (chunk: Buffer) => (reply += chunk.toString()));
  await once(connection, "end");
  return JSON.parse(reply) as ToolReply;
}

t.test("a simulated pair", async (t) => {
  const stateDirectory = join(await scratchDirectory(t), "machines");
  await mkdir(stateDirectory);
  const simulator = await startSimulator({
    lab: labOf(inventory),
    stateDirectory,
    speedUp: 200,
    agentProgram: undefined,
    clock: systemClock,
    log: silentLogger,
  });
  t.teardown(() => simulator.close());
  const [x86, board] = simulator.nodes;
  if (x86 === undefined || board === undefined) throw new Error("the simulation has not two nodes");
  const run = async (tool: string, ...argv: readonly string[]) => {
    const machine = new MachineView({
      rootDirectory: x86.rootDirectory,
      cwd: "/root",
      ask: (request) => x86.machine.onToolRequest(request),
    });
    const process = new ToolProcess(toolsOf("hexo")[tool] ?? (() => 127), { argv, machine, env: {} });
    return { ...(await process.ended), stdout: process.stdout, stderr: process.stderr };
  };
  for (const node of [x86, board]) await until(() => hasLinuxUp(node.rootDirectory), `Linux on ${node.name}`);

  t.equal((await ask(x86, "uname", "-m")).stdout, "x86_64\n");
  t.equal((await ask(board, "uname", "-m")).stdout, "aarch64\n");
  t.same(await run("ssh", "root@127.0.0.2", "uname", "-m"), { exitCode: 0, stdout: "aarch64\n", stderr: "" });
  t.equal((await run("ssh", "root@127.0.0.2", "pgrep -x proxy")).stdout, "4242\n", "the board misbehaves, not the server");
  t.equal((await run("pgrep", "-x", "proxy")).exitCode, 1);
  t.equal((await run("ping", "-c", "1", "127.0.0.2")).exitCode, 0);
  await board.machine.act("off");
  t.match(await run("ssh", "root@127.0.0.2", "true"), { exitCode: 255, stderr: "No route to host" });
});
