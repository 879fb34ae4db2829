/** A whole controller in this process, fake agents that join it, and the operator's channel to it. */
import type { Test } from "tap";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ControllerOptions } from "../../../controller/controller.js";
import { startController } from "../../../controller/controller.js";
import { systemClock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { EnrollmentServiceService } from "../../../proto/gen/lab/v1/enrollment.js";
import { dialChannel } from "../../../proto/rpc/channel.js";
import { clientOf } from "../../../proto/rpc/client.js";
import type { Identity } from "../../../proto/rpc/identity.js";
import { loadIdentity } from "../../../proto/rpc/identity.js";
import { joinLab } from "../../../proto/rpc/join.js";
import type { ServiceClient, ServiceDefinition } from "../../../proto/rpc/service.js";
import { FakeAgent } from "./fake-agent.js";
import { labOf, labYaml } from "./agent-lab.js";
import { MemoryLeases } from "./memory-leases.js";

interface Options {
  readonly yaml?: string;
  readonly state?: string;
  readonly leases?: ControllerOptions["leases"];
  readonly deployments?: ControllerOptions["deployments"];
}

export async function startTestController(t: Test, options: Options = {}) {
  const state = options.state ?? t.testdir();
  const leases = options.leases ?? new MemoryLeases(systemClock);
  const controller = await startController({
    config: { listen: "127.0.0.1:0", state, names: [], operator: "ada", agentWaitMs: 5_000 },
    lab: labOf(options.yaml ?? labYaml),
    clock: systemClock,
    logger: silentLogger,
    leases,
    ...(options.deployments === undefined ? {} : { deployments: options.deployments }),
  });
  const { address } = controller;
  const closers: (() => void | Promise<void>)[] = [() => controller.close()];
  const caPem = await readFile(join(state, "ca", "ca.pem"), "utf8");
  /** A client of a service, as the operator ada or whoever else. */
  const operator = await loadIdentity(join(state, "operator"));
  const clientFor = <D extends ServiceDefinition>(definition: D, identity: Identity | undefined = operator): ServiceClient<D> => {
    const channel = dialChannel({ address, caPem, identity, clock: systemClock });
    closers.push(() => channel.close());
    return clientOf(definition, channel);
  };
  const enroll = async (kind: "agent" | "operator", name: string) => {
    const { token } = await clientFor(EnrollmentServiceService).createToken({ kind, name, ttlMs: 0n });
    return joinLab(address, token, { clock: systemClock });
  };
  /** Joins with a token and dials; resolves before it is connected. */
  const agent = async (name: string) => {
    const fake = new FakeAgent(name);
    fake.start(address, await enroll("agent", name));
    closers.push(() => fake.stop());
    return fake;
  };
  const close = async () => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  t.teardown(close);
  return { controller, state, leases, clientFor, enroll, agent, close };
}
