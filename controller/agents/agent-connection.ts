/** A connected agent: its services as clients over the connection it dialled. */
import type { AgentDescription } from "../../proto/gen/lab/v1/agent.js";
import { AgentServiceService } from "../../proto/gen/lab/v1/agent.js";
import { BmcServiceService } from "../../proto/gen/lab/v1/bmc.js";
import { BootServiceService } from "../../proto/gen/lab/v1/boot.js";
import { CommandServiceService } from "../../proto/gen/lab/v1/command.js";
import { ConsoleServiceService } from "../../proto/gen/lab/v1/console.js";
import { FileServiceService } from "../../proto/gen/lab/v1/file.js";
import { NodeServiceService } from "../../proto/gen/lab/v1/node.js";
import { PowerServiceService } from "../../proto/gen/lab/v1/power.js";
import { clientOf } from "../../proto/rpc/client.js";
import type { ReverseChannel } from "../../proto/rpc/reverse.js";
import type { ServiceClient } from "../../proto/rpc/service.js";

export interface AgentConnection {
  /** Name in its certificate and in the inventory. */
  readonly name: string;
  readonly description: AgentDescription;
  readonly channel: ReverseChannel;
  readonly agent: ServiceClient<typeof AgentServiceService>;
  readonly power: ServiceClient<typeof PowerServiceService>;
  readonly bmc: ServiceClient<typeof BmcServiceService>;
  readonly console: ServiceClient<typeof ConsoleServiceService>;
  readonly node: ServiceClient<typeof NodeServiceService>;
  readonly boot: ServiceClient<typeof BootServiceService>;
  readonly command: ServiceClient<typeof CommandServiceService>;
  readonly file: ServiceClient<typeof FileServiceService>;
}

/** Asks the agent who it is; from then on it can be called. Throws what the call throws. */
export async function meetAgent(name: string, channel: ReverseChannel): Promise<AgentConnection> {
  const agent = clientOf(AgentServiceService, channel);
  return {
    name,
    description: await agent.describe({}),
    channel,
    agent,
    power: clientOf(PowerServiceService, channel),
    bmc: clientOf(BmcServiceService, channel),
    console: clientOf(ConsoleServiceService, channel),
    node: clientOf(NodeServiceService, channel),
    boot: clientOf(BootServiceService, channel),
    command: clientOf(CommandServiceService, channel),
    file: clientOf(FileServiceService, channel),
  };
}
