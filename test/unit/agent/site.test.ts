import { join } from "node:path";
import t, { type Test } from "tap";
import { Captures } from "../../../agent/capture/captures.js";
import { UnreachableError } from "../../../proto/base/errors.js";
import { Site } from "../../../agent/site.js";
import type { Power, PowerDevice } from "../../../agent/ports/power.js";
import { sleep, type Clock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";
import type { SiteAssignment } from "../../../proto/gen/lab/v1/agent.js";
import { powerRig, request } from "../../support/host/power-rig.js";
import { scratchDirectory } from "../../support/host/scratch.js";

function assignment(outlet: string, names = ["p0"]): SiteAssignment {
  const power = { means: { $case: "command" as const, value: { argv: ["/usr/local/bin/plug", outlet] } } };
  const nodes = names.map((node) => ({ node, bmc: undefined, console: undefined, ssh: undefined, safety: undefined, power }));
  return { groups: [], nodes: outlet === "" ? [] : nodes };
}

/** A site whose nodes all have the same power, and nothing else. */
async function openSite(t: Test, clock: Clock, make: { device: (outlet: string) => PowerDevice; power: Power }): Promise<Site> {
  const directory = await scratchDirectory(t);
  const captures = new Captures({ directory: join(directory, "consoles"), clock, logger: silentLogger });
  t.teardown(() => captures.close());
  return Site.open({
    file: join(directory, "site.assignment"),
    captures,
    log: silentLogger,
    drivers: {
      power: ({ power }) => make.device(power?.means?.$case === "command" ? (power.means.value.argv[1] ?? "") : ""),
      console: () => undefined,
      ssh: () => undefined,
      verify: () => make.power,
      protect: () => {},
    },
  });
}

t.test("a node that is assigned anew in the middle of a cycle is switched on first, by the device that switched it off", async (t) => {
  for (const later of ["8", ""]) {
    const rig = await powerRig(t, "on");
    const devices: string[] = [];
    let open = true;
    const device: PowerDevice = {
      label: "plug",
      read: (options) => (open ? rig.device.read(options) : Promise.reject(new UnreachableError("plug: was closed"))),
      send: (verb, options) => (open ? rig.device.send(verb, options) : Promise.reject(new UnreachableError("plug: was closed"))),
      close: async () => void (open = false),
    };
    const power = await rig.agent(device);
    const makeDevice = (outlet: string) => {
      devices.push(outlet);
      return device;
    };
    const site = await openSite(t, rig.clock, { device: makeDevice, power });
    await site.assign(assignment("7"));
    let assigned: Promise<unknown> | undefined;
    rig.device.onSend = () => {
      assigned ??= site.assign(assignment(later));
    };
    t.match(await rig.finish(site.power("p0").set(request("cycle"))), { before: "on", after: "on", acted: true });
    await assigned;
    t.same(rig.device.acts, ["off", "on"]);
    await site.close();
    t.equal(open, false);
    t.same(devices, later === "" ? ["7"] : ["7", "8"]);
  }
});

t.test("devices that take their time to be let go of are let go of together", async (t) => {
  const rig = await powerRig(t, "on");
  const began = rig.clock.monotonicMs();
  const device = (): PowerDevice => ({
    label: "dead bmc",
    read: () => rig.device.read(),
    send: (verb) => rig.device.send(verb),
    close: () => sleep(rig.clock, 2_000),
  });
  const site = await openSite(t, rig.clock, { device, power: await rig.agent() });
  const names = Array.from({ length: 32 }, (_, n) => `p${n}`);
  await site.assign(assignment("7", names));
  t.match(await rig.finish(site.assign(assignment("8", names))), { bmcs: 32 });
  t.equal(rig.clock.monotonicMs() - began, 2_000);
  await rig.finish(site.close());
});
