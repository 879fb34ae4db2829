/** What every PowerDevice does, fake or real. `device` starts with a machine that is off. */
import type { Test } from "tap";
import type { PowerDevice, PowerState } from "../../../agent/ports/power.js";
import { sleep, systemClock } from "../../../proto/base/clock.js";

export async function powerDeviceContract(t: Test, device: PowerDevice): Promise<void> {
  const becomes = async (state: PowerState) => {
    for (let tries = 0; (await device.read()).state !== state; tries += 1) {
      if (tries > 200) throw new Error(`the machine never became ${state}`);
      await sleep(systemClock, 10);
    }
  };
  t.match(await device.read(), { state: "off", fault: false });
  await t.rejects(device.send("reset"), { code: "unsupported" }, "a machine that is off cannot be reset");
  await device.send("on");
  await becomes("on");
  await device.send("on");
  await device.send("reset");
  await becomes("on");
  await device.send("off");
  await becomes("off");
  await device.close();
  await device.close();
}
