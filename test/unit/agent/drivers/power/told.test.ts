/** What an act on power says about itself, and what it is refused for. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { Acts } from "../../../../../agent/drivers/power/acts.js";
import { ConflictError } from "../../../../../proto/base/errors.js";
import { powerRig as rig, request } from "../../../../support/host/power-rig.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";

t.test("a result says how many packets the act took, all its readings included, and how long it waited", async (t) => {
  const made = await rig(t, "on");
  made.device.delayMs = 1200;
  const power = await made.agent();
  const before = made.device.packets();
  const cycled = await made.finish(power.set(request("cycle")));
  // One reading before, off and three readings, one after its time off, on and three readings, each asked and answered.
  t.match(cycled, { packets: 2 * (1 + 1 + 4 + 1 + 1 + 4), waitedMs: 0, elapsedMs: 1500 + 5000 + 1500 });
  t.equal(made.device.packets() - before, cycled.packets);
  t.match(await made.finish(power.set(request("on"))), { acted: false, packets: 2 });
  made.device.loseReply();
  t.match(await made.finish(power.set(request("off"))), { packets: 2 + 1 + 8 }, "a lost reply is none");
});

t.test("a reset is proven where the device tells when the machine started", async (t) => {
  const made = await rig(t, "on");
  made.device.tellsStart = true;
  const power = await made.agent();
  made.device.loseReply();
  t.match(await made.finish(power.set(request("reset", "1"))), { after: "on", witnessed: true }, "although its reply was lost");
  made.device.ignoreVerb();
  await t.rejects(made.finish(power.set(request("reset", "2", { deadlineMs: 5000 }))), {
    message: "p0: power reset: waited 5.0 s for power on after a reset; last seen: power on after 4.5 s",
  });
  t.same(made.device.acts, ["reset", "reset"], "accepted and not done is not done");
});

t.test("a reset the agent died in is proven by a start that is another one since", async (t) => {
  for (const happened of [true, false]) {
    const made = await rig(t, "on");
    made.device.tellsStart = true;
    made.dieAt("reset", happened);
    await t.rejects(made.finish((await made.agent()).set(request("reset", "k"))), { code: "deadline" });
    const resumed = made.finish((await made.revive()).set(request("reset", "k", { deadlineMs: 5000 })));
    if (happened) t.match(await resumed, { after: "on", witnessed: true });
    else await t.rejects(resumed, { message: /last seen: power on after 4.5 s; "reset" was begun before and is not sent twice$/ });
    t.same(made.device.acts, ["reset"]);
  }
});

t.test("in one life of the agent nothing is sent twice, not even on", async (t) => {
  for (const [verb, state] of [
    ["on", "off"],
    ["off", "on"],
  ] as const) {
    const made = await rig(t, state);
    made.device.loseReply();
    made.device.ignoreVerb();
    const power = await made.agent();
    await t.rejects(made.finish(power.set(request(verb, "k", { deadlineMs: 5000 }))), {
      message: `p0: power ${verb}: waited 5.0 s for power ${verb}; last seen: power ${state} after 4.5 s; "${verb}" was sent, its reply was lost, and it is not sent twice; to send it again: lab power ${verb} p0`,
    });
    await t.rejects(made.finish(power.set(request(verb, "k", { deadlineMs: 5000 }))), { message: /begun before and is not sent twice/ });
    t.same(made.device.acts, [verb]);
    made.device.press(verb);
    t.match(await made.finish(power.set(request(verb, "k"))), { before: state, after: verb, acted: true, witnessed: false });
    t.same(made.device.acts, [verb]);
  }
});

t.test("an on that the device refused in a cycle may be tried again under the same key, without a second off", async (t) => {
  const made = await rig(t, "on");
  const power = await made.agent();
  made.device.onSend = (verb) => made.device.refuse(verb === "on");
  await t.rejects(made.finish(power.set(request("cycle", "k"))), { code: "authentication" });
  made.device.onSend = () => made.device.refuse(false);
  t.match(await made.finish(power.set(request("cycle", "k"))), { before: "on", after: "on", acted: true, witnessed: false });
  t.same(made.device.acts, ["off", "on"]);
});

t.test("a device that is busy did nothing, and is told again until the deadline", async (t) => {
  const made = await rig(t, "on");
  const power = await made.agent();
  made.device.beBusy(3);
  t.match(await made.finish(power.set(request("cycle"))), { before: "on", after: "on", acted: true, witnessed: true });
  t.same(made.device.acts, ["off", "on"], "what it refused for being busy was not done");
  made.device.beBusy(Infinity);
  await t.rejects(made.finish(power.set(request("off", "k", { deadlineMs: 5000 }))), { code: "deadline", message: /fake power: busy/ });
  made.device.beBusy(0);
  t.match(
    await made.finish(power.set(request("off", "k", { deadlineMs: 5000 }))),
    { acted: true, replayed: false },
    "the key is free again",
  );
});

t.test("what was not sent is not taken for sent", async (t) => {
  const made = await rig(t, "on");
  made.device.tellsStart = true;
  made.device.failBefore();
  made.device.failBefore();
  t.match(await made.finish((await made.agent()).set(request("reset"))), { acted: true, witnessed: true });
  t.same(made.device.acts, ["reset"]);
});

t.test("the on of a cycle is sent when the device answers, not into its silence", async (t) => {
  const made = await rig(t, "on");
  made.device.onSend = (verb) => {
    if (verb !== "off") return;
    made.clock.after(4_000, () => (made.device.reachable = false));
    made.clock.after(20_000, () => (made.device.reachable = true));
  };
  const result = await made.finish((await made.agent()).set(request("cycle")));
  t.match(result, { after: "on", acted: true, witnessed: true });
  t.ok(result.elapsedMs >= 20_000);
  t.same(made.device.acts, ["off", "on"]);
});

t.test("a machine that is still on its way off may refuse on; in a cycle it is told again", async (t) => {
  const made = await rig(t, "on");
  const refusedUntilMs = 8_000;
  made.device.refuses = (verb) => verb === "on" && made.clock.monotonicMs() < refusedUntilMs;
  t.match(await made.finish((await made.agent()).set(request("cycle"))), { after: "on", acted: true });
  made.device.press("off");
  made.device.refuses = () => true;
  await t.rejects(made.finish((await made.agent()).set(request("on"))), { code: "failed" }, "an on by itself is refused at once");
  t.same(made.device.acts, ["off", "on"]);
});

t.test("a cycle whose off takes nearly all its time has time for on", async (t) => {
  const made = await rig(t, "on");
  made.device.delayMs = 9_500;
  t.match(await made.finish((await made.agent()).set(request("cycle", "k", { deadlineMs: 10_000 }))), { after: "on", acted: true });
  t.same(made.device.acts, ["off", "on"]);
});

t.test("power that is held back is not touched; what is so already may be said", async (t) => {
  const made = await rig(t, "on");
  made.protect({ hold: "firmware is being written" });
  const power = await made.agent();
  t.equal(power.hold, "firmware is being written");
  t.match(await made.finish(power.set(request("on"))), { acted: false, after: "on" });
  for (const verb of ["off", "cycle", "reset", "soft"] as const) {
    await t.rejects(made.finish(power.set(request(verb))), {
      code: "permission",
      message: `p0: power ${verb}: its power is held back: firmware is being written; to lift that, take "hold" out of its "power" in the inventory`,
    });
  }
  t.same([made.device.acts, made.marks], [[], []]);
  made.protect({ hold: "" });
  t.match(await made.finish(power.set(request("off"))), { acted: true });
});

t.test("a hold also stops an act that has its turn already, and the key is free again", async (t) => {
  const made = await rig(t, "on");
  const power = await made.agent();
  const permit = async () => made.protect({ hold: "wait" });
  await t.rejects(made.finish(power.set(request("off", "k", { permit }))), { code: "permission" });
  made.protect({ hold: "" });
  t.match(await made.finish(power.set(request("off", "k"))), { acted: true, replayed: false });
  t.same(made.device.acts, ["off"]);
});

t.test("who has lost the right to act while it waited is refused, and nothing is sent", async (t) => {
  const made = await rig(t, "on");
  made.device.delayMs = 2000;
  const power = await made.agent();
  const first = power.set(request("off", "1"));
  const permit = async () => {
    throw new ConflictError("lease-1 is over");
  };
  const second = power.set(request("on", "2", { permit }));
  await t.rejects(made.finish(second), { code: "conflict", message: "lease-1 is over" });
  await first;
  t.same(made.device.acts, ["off"]);
});

t.test("an act that waits is given up when the last who asked for it has gone", async (t) => {
  const made = await rig(t, "off");
  const power = await made.agent();
  await made.finish(power.set(request("on")));
  made.device.delayMs = 2000;
  const callers = [new AbortController(), new AbortController()];
  const off = power.set(request("off"));
  const waiting = callers.map(({ signal }) => power.set(request("on", "k", { signal })));
  const ends = Promise.allSettled(waiting);
  await t.rejects(power.set(request("off", "k")), { code: "conflict", message: /names a on that is under way/ });
  callers[0]?.abort();
  await made.finish(off);
  t.same(made.device.acts, ["on", "off"]);
  t.equal((await made.finish(ends))[1]?.status, "fulfilled", "the other still waits for it");
  t.same(made.device.acts, ["on", "off", "on"]);

  const late = new AbortController();
  const again = power.set(request("off", "later off"));
  const never = power.set(request("on", "never", { signal: late.signal }));
  late.abort();
  await t.rejects(never, { code: "cancelled" });
  await made.finish(again);
  t.match(await made.finish(power.set(request("on", "never"))), { acted: true, replayed: false }, "the key is free");
  t.same(made.device.acts, ["on", "off", "on", "off", "on"]);
});

t.test("an earlier act on the machine is waited for no longer than the queue's time", async (t) => {
  const made = await rig(t, "on");
  made.device.delayMs = 60_000;
  const power = await made.agent();
  const first = power.set(request("off"));
  await t.rejects(made.finish(power.set(request("on", "2", { queueMs: 10_000 }))), {
    code: "deadline",
    message: "p0: power on: waited 10.0 s for its turn; last seen: an earlier power off on it is under way; nothing was sent",
  });
  await made.finish(first);
  t.same(made.device.acts, ["off"]);
});

t.test("acts are let go of while the agent runs, the oldest first, and what a dead writer left is cleared away", async (t) => {
  const directory = join(await scratchDirectory(t), "acts");
  await mkdir(directory);
  await writeFile(join(directory, ".half.json.tmp"), "{");
  const acts = await Acts.open(directory, { kept: 10, slack: 5 });
  const act = (n: number) =>
    ({ node: "p0", key: `k${n}`, verb: "on", before: "off", consoleOffset: 0, begunMs: n, step: "on", life: acts.life }) as const;
  let most = 0;
  for (let n = 0; n < 40; n += 1) {
    await acts.write(act(n));
    most = Math.max(most, (await readdir(directory)).length);
  }
  t.equal(most, 15);
  t.match(await acts.find("p0", "k39"), { begunMs: 39 });
  t.equal(await acts.find("p0", "k0"), undefined);
  await Promise.all(Array.from({ length: 20 }, (_, n) => acts.write(act(100 + n))));
  t.equal((await readdir(directory)).length <= 15, true);
});
