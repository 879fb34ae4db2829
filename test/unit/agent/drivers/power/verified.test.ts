import t from "tap";
import { powerRig as rig, request } from "../../../../support/host/power-rig.js";

t.test("what is already so is not done", async (t) => {
  const settled = [
    ["on", "on"],
    ["off", "off"],
    ["off", "soft"],
  ] as const;
  for (const [state, verb] of settled) {
    const made = await rig(t, state);
    const result = await made.finish((await made.agent()).set(request(verb)));
    t.match(result, { before: state, after: state, acted: false, replayed: false, witnessed: true, consoleOffset: 1000 });
    t.same([made.device.acts, made.marks], [[], []]);
  }
});

t.test("an act is done once, verified, and its console mark told", async (t) => {
  const made = await rig(t, "off");
  made.device.delayMs = 2300;
  const power = await made.agent();
  const result = await made.finish(power.set(request("on")));
  t.match(result, { before: "off", after: "on", acted: true, elapsedMs: 2500, witnessed: true, consoleOffset: 1000 });
  t.same([made.device.acts, made.marks], [["on"], ["on"]]);
});

t.test("a cycle switches off, lets the machine settle, switches on", async (t) => {
  const made = await rig(t, "on");
  made.device.delayMs = 1000;
  const sent: [string, number][] = [];
  made.device.onSend = (verb) => sent.push([verb, made.clock.monotonicMs()]);
  const result = await made.finish((await made.agent()).set(request("cycle")));
  t.match(result, { before: "on", after: "on", acted: true });
  t.same(sent, [
    ["off", 0],
    ["on", 6000],
  ]);
  t.same(made.marks, ["cycle"]);
});

t.test("a cycle of a machine that is off switches it on", async (t) => {
  const made = await rig(t, "off");
  await made.finish((await made.agent()).set(request("cycle")));
  t.same(made.device.acts, ["on"]);
});

t.test("the same key is not done twice: at once, later, and after a restart it gets the first result", async (t) => {
  const made = await rig(t, "on");
  const power = await made.agent();
  const [first, joined] = await made.finish(Promise.all([power.set(request("cycle", "k")), power.set(request("cycle", "k"))]));
  t.same(joined, { ...first, replayed: true });
  t.same(await power.set(request("cycle", "k")), { ...first, replayed: true });
  t.same(await (await made.agent()).set(request("cycle", "k")), { ...first, replayed: true });
  await t.rejects(power.set(request("off", "k")), { code: "conflict", message: /names an earlier cycle/ });
  t.same(made.device.acts, ["off", "on"]);
});

t.test("a lost reply is not answered by sending again: the state tells", async (t) => {
  const made = await rig(t, "on");
  made.device.loseReply();
  made.device.delayMs = 1000;
  t.match(await made.finish((await made.agent()).set(request("off"))), { after: "off", acted: true, witnessed: true });
  made.device.loseReply();
  await made.finish((await made.agent()).set(request("on")));
  made.device.loseReply();
  t.match(await made.finish((await made.agent()).set(request("reset"))), { witnessed: false }, "a reset leaves no trace in the state");
  t.same(made.device.acts, ["off", "on", "reset"]);
});

t.test("a device that is silent for a while is asked again", async (t) => {
  const made = await rig(t, "off");
  made.device.onSend = () => made.device.goSilent(4);
  t.match(await made.finish((await made.agent()).set(request("on"))), { after: "on", elapsedMs: 2000 });
});

t.test("a state that does not come about ends in a deadline that says what was seen", async (t) => {
  const made = await rig(t, "on");
  made.device.obeysSoft = false;
  const power = await made.agent();
  await t.rejects(made.finish(power.set(request("soft", "s", { deadlineMs: 10_000 }))), {
    code: "deadline",
    message: "p0: power soft: waited 10.0 s for the operating system to power off; last seen: power on after 9.5 s",
  });
  await t.rejects(made.finish(power.set(request("soft", "s", { deadlineMs: 1000 }))), {
    message: /"soft" was begun before and is not sent twice/,
  });
  t.same(made.device.acts, ["soft"], "the same key does not send it again");
});

t.test("what the device refuses was not done: the same key may try again", async (t) => {
  const made = await rig(t, "off");
  const power = await made.agent();
  await t.rejects(made.finish(power.set(request("reset", "k"))), { code: "unsupported" });
  made.device.refuse();
  await t.rejects(made.finish(power.set(request("on", "k"))), { code: "authentication" }, "and the key names no reset");
  t.same(made.device.acts, []);
});

t.test("an act goes on when its caller is gone", async (t) => {
  const made = await rig(t, "on");
  const power = await made.agent();
  const caller = new AbortController();
  made.device.onSend = () => caller.abort();
  await t.rejects(made.finish(power.set(request("cycle", "k", { signal: caller.signal }))), { code: "cancelled" });
  t.match(await made.finish(power.set(request("cycle", "k"))), { after: "on", replayed: true, witnessed: true });
  t.same(made.device.acts, ["off", "on"]);
  const gone = new AbortController();
  gone.abort();
  await t.rejects(power.set(request("off", "never", { signal: gone.signal })), { code: "cancelled" });
  t.same(made.device.acts, ["off", "on"], "but it does not begin");
});

t.test("a cycle the agent died in is completed with on, never a second off", async (t) => {
  for (const [verb, takesEffect, expected] of [
    ["off", true, ["off", "on"]],
    ["on", true, ["off", "on"]],
    ["on", false, ["off", "on", "on"]],
  ] as const) {
    const made = await rig(t, "on");
    made.dieAt(verb, takesEffect);
    await t.rejects(made.finish((await made.agent()).set(request("cycle", "k"))), { code: "deadline" });
    const after = await made.revive();
    t.match(await made.finish(after.set(request("cycle", "k"))), {
      before: "on",
      after: "on",
      acted: true,
      witnessed: false,
      consoleOffset: 1000,
    });
    t.same(made.device.acts, expected, `died at ${verb}`);
    t.same(made.marks, ["cycle"]);
    t.match(await made.finish(after.set(request("cycle", "k"))), { replayed: true, witnessed: false });
  }
});

t.test("an off or a reset the agent died in is never sent again", async (t) => {
  const lost = await rig(t, "on");
  lost.dieAt("off", false);
  await t.rejects(lost.finish((await lost.agent()).set(request("off", "k"))), { code: "deadline" });
  await t.rejects(lost.finish((await lost.revive()).set(request("off", "k", { deadlineMs: 5000 }))), {
    message: 'p0: power off: waited 5.0 s for power off; last seen: power on after 4.5 s; "off" was begun before and is not sent twice',
  });
  t.same(lost.device.acts, ["off"]);
  const reset = await rig(t, "on");
  reset.dieAt("reset", true);
  await t.rejects(reset.finish((await reset.agent()).set(request("reset", "k"))), { code: "deadline" });
  t.match(await reset.finish((await reset.revive()).set(request("reset", "k"))), { after: "on", witnessed: false });
  t.same(reset.device.acts, ["reset"]);
});

t.test("acts on one machine follow one another", async (t) => {
  const made = await rig(t, "off");
  made.device.delayMs = 1000;
  const power = await made.agent();
  const results = await made.finish(
    Promise.all([power.set(request("on", "1")), power.set(request("off", "2")), power.set(request("on", "3"))]),
  );
  t.same(
    results.map(({ before, after }) => [before, after]),
    [
      ["off", "on"],
      ["on", "off"],
      ["off", "on"],
    ],
  );
});
