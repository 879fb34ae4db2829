import { InvalidArgumentError, PermissionError } from "../../proto/base/errors.js";
import type { BmcReport as WireReport, BmcServiceService, BootOverride, IdentifyRequest } from "../../proto/gen/lab/v1/bmc.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { BmcReport } from "../ports/management.js";
import type { Power } from "../ports/power.js";
import type { RequireFence } from "./acting.js";

const defaultLimit = 100;

/** What the BMCs of a site can do beside power. `powerOf` throws NotFoundError for other nodes, its `management` UnsupportedError where nothing can. */
export function bmcService(
  powerOf: (node: string) => Pick<Power, "management" | "hold">,
  requireFence: RequireFence,
): Implementation<typeof BmcServiceService> {
  const managementOf = (node: string) => powerOf(node).management;
  return {
    async probeBmc({ node }, { signal }) {
      return wireReport(await managementOf(node).probe({ signal }));
    },
    async identify(request, { signal }) {
      await managementOf(request.node).identify(howLong(request), { signal });
      return {};
    },
    async readEventLog({ node, limit }, { signal }) {
      const { count, overflow, entries } = await managementOf(node).eventLog(limit || defaultLimit, { signal });
      return {
        count,
        overflow,
        entries: entries.map((each) => ({ ...each, timeMs: BigInt(each.timeMs), record: Buffer.from(each.record) })),
      };
    },
    async readSensors({ node }, { signal }) {
      return { sensors: [...(await managementOf(node).sensors({ signal }))] };
    },
    async interrupt({ node, fence }, { signal }) {
      const { management, hold } = powerOf(node);
      requireUnheld(node, hold);
      await requireFence(node, fence);
      await management.interrupt({ signal });
      return {};
    },
    async getBootOverride({ node }, { signal }) {
      return managementOf(node).bootOverride({ signal });
    },
    async setBootOverride({ node, boot, fence }, { signal }) {
      const management = managementOf(node);
      await requireFence(node, fence);
      return management.setBootOverride(wantedBoot(node, boot), { signal });
    },
  };
}

/** An interrupt takes most machines down: what protects their power protects them from it, too. */
function requireUnheld(node: string, hold: string): void {
  if (hold === "") return;
  throw new PermissionError(
    `${node}: interrupt: its power is held back: ${hold}; to lift that, take "hold" out of its "power" in the inventory`,
    { facts: { node } },
  );
}

function howLong({ node, seconds, forever }: IdentifyRequest): number | "off" | "forever" {
  if (forever && seconds !== 0) throw new InvalidArgumentError(`${node}: identify: for ${seconds} seconds or for ever, not both`);
  if (forever) return "forever";
  return seconds === 0 ? "off" : seconds;
}

function wantedBoot(node: string, boot: BootOverride | undefined): BootOverride {
  if (boot === undefined || boot.device === "") throw new InvalidArgumentError(`${node}: boot override: name a device, or "none"`);
  return boot;
}

function wireReport({ suites, users, quirks, problems, ...report }: BmcReport): WireReport {
  return { ...report, suites: [...suites], users: [...users], quirks: [...quirks], problems: [...problems], stanza: "" };
}
