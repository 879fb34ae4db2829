/** The way to the controller: where it listens, who we are, and a client for each of its services. */
import { readFile } from "node:fs/promises";
import type { Clock } from "../../proto/base/clock.js";
import { NotFoundError } from "../../proto/base/errors.js";
import { BmcServiceService } from "../../proto/gen/lab/v1/bmc.js";
import { BootServiceService } from "../../proto/gen/lab/v1/boot.js";
import { CommandServiceService } from "../../proto/gen/lab/v1/command.js";
import { ConsoleServiceService } from "../../proto/gen/lab/v1/console.js";
import { DeploymentServiceService } from "../../proto/gen/lab/v1/deployment.js";
import { EnrollmentServiceService } from "../../proto/gen/lab/v1/enrollment.js";
import { EventServiceService } from "../../proto/gen/lab/v1/event.js";
import { LeaseServiceService } from "../../proto/gen/lab/v1/lease.js";
import { NodeServiceService } from "../../proto/gen/lab/v1/node.js";
import { PowerServiceService } from "../../proto/gen/lab/v1/power.js";
import { dialChannel } from "../../proto/rpc/channel.js";
import { clientOf } from "../../proto/rpc/client.js";
import { loadIdentity } from "../../proto/rpc/identity.js";
import type { LabDirectory } from "./lab-directory.js";

/** What the controller writes at every start and `lab login` keeps. */
export interface Endpoint {
  /** HOST:PORT. */
  readonly address: string;
}

export type Connection = Awaited<ReturnType<typeof connectLab>>;

/** Throws NotFoundError when there is neither a local controller nor a login. Dials with the first call. */
export async function connectLab(directory: LabDirectory, clock: Clock) {
  const { endpointFile, identityDirectory } = directory.client();
  const endpoint = await readEndpoint(endpointFile);
  if (endpoint === undefined) {
    throw new NotFoundError(
      `no lab is set up in ${directory.path}; start one with: lab up INVENTORY, or join one with: lab login HOST:PORT TOKEN`,
    );
  }
  const identity = await loadIdentity(identityDirectory);
  const channel = dialChannel({ address: endpoint.address, caPem: identity.caPem, identity, clock });
  return {
    address: endpoint.address,
    nodes: clientOf(NodeServiceService, channel),
    power: clientOf(PowerServiceService, channel),
    bmc: clientOf(BmcServiceService, channel),
    boot: clientOf(BootServiceService, channel),
    consoles: clientOf(ConsoleServiceService, channel),
    commands: clientOf(CommandServiceService, channel),
    events: clientOf(EventServiceService, channel),
    leases: clientOf(LeaseServiceService, channel),
    deployments: clientOf(DeploymentServiceService, channel),
    enrollment: clientOf(EnrollmentServiceService, channel),
    close: () => channel.close(),
  };
}

/** Undefined when nothing was ever set up there. */
async function readEndpoint(file: string): Promise<Endpoint | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Endpoint;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
