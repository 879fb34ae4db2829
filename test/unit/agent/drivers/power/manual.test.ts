/** Power by an operator's hand: what is asked, what counts as done, what outlives the agent. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ManualPowerDevice } from "../../../../../agent/drivers/power/manual.js";
import { FakeClock } from "../../../../support/fake-clock.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";

async function desk(t: Test, node = "p0") {
  const directory = join(await scratchDirectory(t), "power");
  const clock = new FakeClock(Date.UTC(2026, 0, 2, 3, 4, 5));
  /** A second one is the agent after a restart. */
  const open = (note = "outlet 7 by the window") => new ManualPowerDevice({ node, note, directory, clock });
  return { directory, clock, open, device: open() };
}

t.test("nothing is known before an operator has said it", async (t) => {
  const { device, directory } = await desk(t);
  await t.rejects(device.read(), {
    code: "conflict",
    message: "power of p0 by hand: nobody has said yet whether it is on; look, then say: lab power confirm p0 on|off",
  });
  await t.rejects(device.send("reset"), { code: "conflict" });
  t.throws(() => readdirSync(directory), { code: "ENOENT" }, "asking leaves no trace");
  await device.confirm("on");
  t.same(await device.read(), {
    state: "on",
    fault: false,
    lastEvent: "confirmed 2026-01-02T03:04:05.000Z",
    start: "1",
    asks: undefined,
  });
});

t.test("a verb is asked for until it is confirmed; the state is what was confirmed last", async (t) => {
  const { device, open } = await desk(t);
  await device.confirm("on");
  await device.send("off");
  t.match(await device.read(), { state: "on", asks: "switch it off (outlet 7 by the window)" });
  await device.confirm("on");
  t.match(await device.read(), { state: "on", start: "1", asks: "switch it off (outlet 7 by the window)" }, "that was not what was asked");
  await device.confirm("off");
  t.match(await device.read(), { state: "off", asks: undefined });
  await device.send("on");
  t.match(await open("").read(), { state: "off", start: "1", asks: "switch it on" }, "also by the agent after a restart");
  await open().confirm("on");
  t.match(await open().read(), { state: "on", start: "2", asks: undefined });
});

t.test("a newer request takes the place of an older one, and of what stands already nothing is asked", async (t) => {
  const { device } = await desk(t);
  await device.confirm("on");
  await device.send("off");
  await device.send("reset");
  t.match(await device.read(), { asks: "reset it (outlet 7 by the window)" });
  await device.send("soft");
  t.match(await device.read(), { asks: "shut its operating system down (outlet 7 by the window)" });
  await device.send("on");
  t.match(await device.read(), { state: "on", asks: undefined });
});

t.test("only a start that was asked for, or follows an off, is a start", async (t) => {
  const { device } = await desk(t);
  const starts = async () => Number((await device.read()).start);
  await device.confirm("on");
  await device.confirm("on");
  t.equal(await starts(), 1, "said twice");
  await device.send("reset");
  await device.confirm("off");
  t.match(await device.read(), { state: "off", asks: /^reset it/ }, "it is off, and not yet reset");
  await device.confirm("on");
  t.equal(await starts(), 2);
  await device.send("off");
  await device.confirm("on");
  t.equal(await starts(), 2, "an off is still awaited");
});

t.test("a file that cannot be read is named, not overwritten", async (t) => {
  const { device, directory, open } = await desk(t, "p/0");
  await device.confirm("on");
  t.same(readdirSync(directory), ["p%2F0.json"]);
  writeFileSync(join(directory, "p%2F0.json"), "{");
  await t.rejects(open().read(), {
    code: "failed",
    message: /cannot be read from .*p%2F0\.json; remove it, then say .* lab power confirm p\/0 on\|off/,
  });
  await t.rejects(open().confirm("off"), { code: "failed" });
});
