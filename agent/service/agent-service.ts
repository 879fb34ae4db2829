import type { AgentDescription, AgentServiceService, AssignSiteResponse, SiteAssignment } from "../../proto/gen/lab/v1/agent.js";
import type { Implementation } from "../../proto/rpc/service.js";

/** What the controller tells and asks the agent about itself. */
export function agentService(
  describe: () => Promise<AgentDescription>,
  assignSite: (assignment: SiteAssignment) => Promise<AssignSiteResponse>,
): Implementation<typeof AgentServiceService> {
  return { describe, assignSite };
}
