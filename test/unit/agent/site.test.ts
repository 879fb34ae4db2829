import { join } from "node:path";
import t from "tap";
import { Captures } from "../../../agent/capture/captures.js";
import { UnreachableError } from "../../../proto/base/errors.js";
import { Site } from "../../../agent/site.js";
import type { PowerDevice } from "../../../agent/ports/power.js";
import { silentLogger } from "../../../proto/base/logger.js";
import type { SiteAssignment } from "../../../proto/gen/lab/v1/agent.js";
import { powerRig, request } from "../../support/host/power-rig.js";
import { scratchDirectory } from "../../support/host/scratch.js";

function assignment(outlet: string): SiteAssignment {
  const power = { means: { $case: "command" as const, value: { argv: ["/usr/local/bin/plug", outlet] } } };
  const node = { node: "p0", bmc: undefined, console: undefined, ssh: undefined, safety: undefined, power };
  return { groups: [], nodes: outlet === "" ? [] : [node] };
}

t.test("a node that is assigned anew in the middle of a cycle is switched on first, by the device that switched it off", async (t) => {
  for (const later of ["8", ""]) {
    const rig = await powerRig(t, "on");
    const directory = await scratchDirectory(t);
    const captures = new Captures({ directory: join(directory, "consoles"), clock: rig.clock, logger: silentLogger });
    t.teardown(() => captures.close());
    const devices: string[] = [];
    let open = true;
    const device: PowerDevice = {
      label: "plug",
      read: (options) => (open ? rig.device.read(options) : Promise.reject(new UnreachableError("plug: was closed"))),
      send: (verb, options) => (open ? rig.device.send(verb, options) : Promise.reject(new UnreachableError("plug: was closed"))),
      close: async () => void (open = false),
    };
    const power = await rig.agent(device);
    const site = await Site.open({
      file: join(directory, "site.assignment"),
      captures,
      log: silentLogger,
      drivers: {
        power: ({ power: assigned }) => {
          devices.push(assigned?.means?.$case === "command" ? (assigned.means.value.argv[1] ?? "") : "");
          return device;
        },
        console: () => undefined,
        ssh: () => undefined,
        verify: () => power,
        protect: () => {},
      },
    });
    await site.assign(assignment("7"));
    let assigned: Promise<unknown> | undefined;
    rig.device.onSend = () => (assigned ??= site.assign(assignment(later)));
    t.match(await rig.finish(site.power("p0").set(request("cycle"))), { before: "on", after: "on", acted: true });
    await assigned;
    t.same(rig.device.acts, ["off", "on"]);
    await site.close();
    t.equal(open, false);
    t.same(devices, later === "" ? ["7"] : ["7", "8"]);
  }
});
