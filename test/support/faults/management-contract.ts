/** What a BMC can do beside power, after the acts of the power contract: the log has them, the sensors are read, the boot choice is kept. */
import type { Test } from "tap";
import { sensors } from "../../../agent/sim/bmc/sensor-table.js";
import type { FaultyBmc } from "./faulty-bmc.js";

/** On, cycle, reset, off. */
const logged = [
  ["power off", true],
  ["initiated by power up", false],
  ["power off", false],
  ["power off", true],
  ["initiated by power up", false],
  ["initiated by hard reset", false],
  ["power off", false],
];

export async function managementHolds(t: Test, { power: { management } }: FaultyBmc): Promise<void> {
  const log = await management.eventLog(100);
  t.same(
    log.entries.map(({ event, deasserted }) => [event, deasserted]),
    logged,
    "the event log has every act once",
  );
  const read = await management.sensors();
  t.same(
    read.map(({ name }) => name),
    Object.values(sensors).flatMap(({ kind, name }) => (kind === "event-only" ? [] : [name])),
    "every sensor that can be read",
  );
  t.match(read[0], { kind: "temperature", status: "not available" });
  const boot = { device: "pxe", persistent: false, efi: true };
  t.same(await management.setBootOverride(boot), boot);
  await management.identify("forever");
}
