/** A lab of fake agents connected to a real registry over real TLS. */
import type { Test } from "tap";
import { consoleUpstream } from "../../../controller/agents/console-upstream.js";
import { AgentRegistry } from "../../../controller/agents/registry.js";
import { RemoteNodes } from "../../../controller/agents/remote-node.js";
import { Routes } from "../../../controller/agents/routes.js";
import { ConsoleHub } from "../../../controller/consoles/hub.js";
import { parseLab } from "../../../inventory/load.js";
import type { Lab } from "../../../inventory/model.js";
import type { Clock } from "../../../proto/base/clock.js";
import { systemClock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { issueIdentity, openLabPort } from "../rpc/lab-port.js";
import { FakeAgent } from "./fake-agent.js";

/** Site agent rack1; nodes p0 and m0 with BMC and console there, and a board without either and without an agent. */
export const labYaml = `
lab: test
agents:
  rack1: { site: true }
defaults:
  bmc: { user: admin, password: { env: LABD_TEST_BMC_PASSWORD }, via: rack1 }
  console: { sol: {}, line: ttyS1, baud: 115200, via: rack1 }
nodes:
  p0: { address: 10.0.0.10, bmc: { address: 10.0.1.10 }, tags: [lego] }
  m0: { address: 10.0.0.11, bmc: { address: 10.0.1.11 } }
  board: { arch: aarch64, agent: false }
`;

process.env["LABD_TEST_BMC_PASSWORD"] ??= "not a secret";

/** Throws the problems of a text that is no lab. */
export function labOf(yaml: string): Lab {
  const result = parseLab(yaml, "lab.yaml");
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  return result.lab;
}

export async function openAgentLab(t: Test, options: { yaml?: string; clock?: Clock; reconnectMs?: number } = {}) {
  const { clock = systemClock, reconnectMs = 5_000 } = options;
  const lab = labOf(options.yaml ?? labYaml);
  const events: string[] = [];
  const registry = new AgentRegistry({
    lab,
    clock,
    logger: silentLogger,
    reconnectMs,
    onConnected: ({ name }) => events.push(`connected ${name}`),
    onLost: ({ name }) => events.push(`lost ${name}`),
  });
  const port = await openLabPort(t.testdir(), { onAgent: (socket, name) => void registry.accept(socket, name) });
  const routes = new Routes(lab, registry);
  const hub = new ConsoleHub({ upstream: (node) => consoleUpstream(routes, node), clock, logger: silentLogger });
  const nodes = new RemoteNodes({ routes, clock, console: (node) => hub.console(node) });
  const agents: FakeAgent[] = [];
  /** Starts a fake agent, prepared as wanted; resolves at once, it connects by itself. */
  const agent = async (name: string, prepare: (fake: FakeAgent) => void = () => {}) => {
    const fake = new FakeAgent(name);
    prepare(fake);
    agents.push(fake);
    fake.start(port.address, await issueIdentity(port.authority, { name, role: "agent" }));
    return fake;
  };
  t.teardown(async () => {
    hub.close();
    registry.close();
    await Promise.all(agents.map((each) => each.stop()));
    await port.close();
  });
  return { lab, registry, routes, nodes, agent, events, port };
}
