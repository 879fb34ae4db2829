/** What a Redfish service is, found out from nothing. */
import type { Clock } from "../../../../proto/base/clock.js";
import { describeError } from "../../../../proto/base/errors.js";
import type { BmcReport } from "../../../ports/management.js";
import { type Json, linkIn, membersIn, membersOf, objectIn, textIn } from "./json.js";
import { resetTypeFor, type ResetVerb } from "./reset.js";
import type { ComputerSystem } from "./system.js";

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

interface Found {
  root?: Json;
  system?: Json;
  manager?: Json;
  roundTripMs: number;
  readonly problems: string[];
}

/** Changes nothing. Throws only what a cancelled call throws: whatever fails is a problem told. */
export async function probe(system: ComputerSystem, clock: Clock, options?: Waiting): Promise<BmcReport> {
  const { service } = system;
  const packets = service.packets;
  const found: Found = { roundTripMs: 0, problems: [] };
  try {
    await look(system, clock, found, options);
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    found.problems.push(describeError(error));
  }
  const { root, manager, problems, roundTripMs } = found;
  return {
    address: service.label.replace(/^redfish /, ""),
    manufacturer: textIn(manager, "Manufacturer") || textIn(root, "Vendor") || textIn(found.system, "Manufacturer"),
    product: textIn(manager, "Model") || textIn(root, "Product") || textIn(found.system, "Model"),
    firmware: textIn(manager, "FirmwareVersion"),
    ipmiVersion: "",
    guid: textIn(root, "UUID") || textIn(manager, "UUID"),
    suites: [],
    users: [],
    sol: undefined,
    quirks: [],
    problems,
    roundTripMs,
    packets: service.packets - packets,
  };
}

async function look(system: ComputerSystem, clock: Clock, found: Found, options?: Waiting): Promise<void> {
  const { service } = system;
  const { problems } = found;
  found.root = (await service.get("/redfish/v1/", options)).json;
  if (!(await service.hasSession(options))) {
    problems.push("it has no sessions: the password goes with every request; look for newer firmware");
  }
  await system.resource(options);
  const asked = clock.monotonicMs();
  found.system = (await system.resource(options)).json;
  found.roundTripMs = Math.round(clock.monotonicMs() - asked);
  if (textIn(found.system, "LastResetTime") === "") {
    problems.push("it does not tell when the machine was last reset: a reset is seen on the console only");
  }
  const { allowable } = await system.resets(found.system, options);
  if (allowable === undefined) problems.push("it does not tell which resets it has: that it lacks one shows when it is sent");
  for (const verb of ["on", "off", "reset", "soft", "interrupt"] satisfies ResetVerb[]) {
    if (resetTypeFor(verb, allowable) === undefined) problems.push(`it has no reset that is "${verb}"; it offers ${allowable?.join(" ")}`);
  }
  if (objectIn(found.system, "Boot") === undefined) problems.push("it cannot be told what to boot from; use the machine's boot loader");
  const [path] = [...membersIn(found.system["Links"], "ManagedBy"), ...(await managers(system, found.root, options))];
  if (path === undefined) problems.push("it does not tell what manages the machine; its firmware stays unknown");
  else found.manager = (await service.get(path, options)).json;
}

async function managers({ service }: ComputerSystem, root: Json, options?: Waiting): Promise<readonly string[]> {
  const link = linkIn(root, "Managers");
  return link === undefined ? [] : membersOf((await service.get(link, options)).json);
}
