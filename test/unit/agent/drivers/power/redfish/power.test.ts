/** Power by Redfish, over HTTP to the simulated service: what is sent, how often, and what comes of it when the service misbehaves. */
import t from "tap";
import type { RedfishFault } from "../../../../../../agent/sim/redfish/faults.js";
import { benchRedfish, redfishDevice, redfishRig } from "../../../../../support/sim/bench-redfish.js";
import { FakeClock } from "../../../../../support/fake-clock.js";
import { powerDeviceContract } from "../../../../../support/host/power-device-contract.js";
import { until } from "../../../../../support/host/processes.js";

const ways: readonly (readonly RedfishFault[])[] = [
  [],
  ["only-basic"],
  ["sessions-refused"],
  ["no-allowable-values"],
  ["action-info"],
  ["answers-with-task"],
  ["refuses-same-state"],
  ["lies-about-power"],
  ["bare"],
];
for (const faults of ways) powerDeviceContract(t, `redfish ${faults.join(" ")}`.trim(), (t) => redfishRig(t, { faults }));

t.test("a reading tells state, health and when the machine was started", async (t) => {
  const bench = await benchRedfish(t);
  const device = redfishDevice(t, bench);
  t.same(await device.read(), { state: "off", fault: false, lastEvent: "" });
  await device.send("on");
  const first = await device.read();
  t.match(first, { state: "on", fault: false, start: /^\d{4}-\d\d-\d\dT/ });
  t.equal((await device.read()).start, first.start, "the same start until it starts anew");
  await device.send("reset");
  t.not((await device.read()).start, first.start);
});

t.test("a transition counts as the state it leaves, and what is under way is not asked for again", async (t) => {
  const bench = await benchRedfish(t);
  const device = redfishDevice(t, bench);
  const letGo = bench.hold();
  await device.send("on");
  t.match(await device.read(), { state: "off" }, "PoweringOn");
  await device.send("on");
  await t.rejects(device.send("off"), { code: "failed", message: /reset ForceOff: 409: .*in transition/ });
  await t.rejects(device.send("reset"), { code: "unsupported" });
  letGo();
  t.match(await device.read(), { state: "on" });
  const letGoAgain = bench.hold();
  await device.send("off");
  t.match(await device.read(), { state: "on" }, "PoweringOff");
  await t.rejects(device.send("on"), { code: "failed" }, "a machine on its way off is not on, whatever its state reads");
  letGoAgain();
  t.match(await device.read(), { state: "off" });
  t.same(bench.executed, ["on", "off"]);
});

t.test("a service that does not know the state just now may be asked again", async (t) => {
  const bench = await benchRedfish(t, { faults: ["forgets-power"] });
  await t.rejects(redfishDevice(t, bench).read(), { code: "unreachable", message: /does not know the power state/ });
});

t.test("a verb is sent as the reset that is that verb, or not at all", async (t) => {
  const bench = await benchRedfish(t, { resets: ["ForceOn", "PowerCycle", "PushPowerButton", "GracefulRestart"] });
  const device = redfishDevice(t, bench);
  await device.send("on");
  t.same(bench.executed, ["on"]);
  for (const verb of ["off", "reset", "soft"] as const) {
    await t.rejects(device.send(verb), { code: "unsupported", message: /has no reset that is .*it offers ForceOn PowerCycle/ });
  }
  t.same(bench.executed, ["on"], "PowerCycle is no off, PushPowerButton no soft");
});

t.test("a lost or broken reply is unreachable; the reset was executed once and is not sent again", async (t) => {
  for (const fault of ["drops-reply", "breaks-after-acting"] as const) {
    const bench = await benchRedfish(t);
    const device = redfishDevice(t, bench);
    await device.read();
    bench.server.faults.inject(fault, 1);
    await t.rejects(device.send("on"), { code: "unreachable", message: /ComputerSystem\.Reset|reset On: 500/ });
    t.same(bench.executed, ["on"]);
    t.match(await device.read(), { state: "on" });
    t.equal(bench.server.requests.filter((each) => each.startsWith("POST") && each.endsWith("Reset")).length, 1);
  }
});

t.test("a service that never answers is given up after half a minute, and at once by who cancels", async (t) => {
  const bench = await benchRedfish(t);
  const clock = new FakeClock();
  const device = redfishDevice(t, bench, { clock });
  await device.read();
  bench.server.faults.inject("silent");
  const asked = bench.server.requests.length;
  const outcome = t.rejects(device.read(), {
    code: "unreachable",
    message: /waited 30\.0 s for the reply to GET \/redfish\/v1\/Systems\/1/,
  });
  await until(() => bench.server.requests.length > asked, "the request");
  await clock.advance(30_000);
  await outcome;
  const caller = new AbortController();
  const cancelled = device.read({ signal: caller.signal });
  await until(() => bench.server.requests.length > asked + 1, "the second request");
  caller.abort();
  await t.rejects(cancelled, { code: "cancelled" });
  t.equal(clock.pendingTimers, 0);
  bench.server.faults.clear("silent");
});

t.test("a slow service is waited for", async (t) => {
  const bench = await benchRedfish(t, { slowMs: 30, faults: ["slow"] });
  const device = redfishDevice(t, bench);
  await device.send("on");
  t.match(await device.read(), { state: "on" });
  t.same(bench.executed, ["on"]);
});

t.test("of several systems one must be named; the others are told", async (t) => {
  const bench = await benchRedfish(t, { faults: ["several-systems"] });
  await t.rejects(redfishDevice(t, bench).read(), {
    code: "invalid-argument",
    message: /has 2 systems; say which .*\/redfish\/v1\/Systems\/1 \/redfish\/v1\/Systems\/2/,
  });
  const device = redfishDevice(t, bench, { target: { system: "/redfish/v1/Systems/1" } });
  await device.send("on");
  t.ok(bench.on);
  const absent = redfishDevice(t, bench, { target: { system: "/redfish/v1/Systems/7" } });
  await t.rejects(absent.read(), { code: "unsupported", message: /Systems\/7.*404/ });
});

t.test("a busy service is exhausted, a redirection is not followed, an endless reply is not read to its end", async (t) => {
  const bench = await benchRedfish(t);
  const device = redfishDevice(t, bench);
  await device.read();
  const { faults } = bench.server;
  faults.inject("busy", 1);
  await t.rejects(device.read(), { code: "exhausted", message: /503: The service is temporarily unavailable/ });
  faults.inject("redirects", 1);
  await t.rejects(device.read(), { code: "failed", message: /302/ });
  faults.inject("endless-reply", 1);
  await t.rejects(device.read(), { code: "failed", message: /longer than/ });
  t.match(await device.read(), { state: "off" });
});

t.test("a kept connection that the service has closed costs nothing: a reading is asked anew, and a reset follows a reading", async (t) => {
  const bench = await benchRedfish(t);
  const device = redfishDevice(t, bench);
  await device.read();
  bench.server.cutConnections();
  t.match(await device.read(), { state: "off" });
  bench.server.cutConnections();
  await device.send("on");
  t.same(bench.executed, ["on"]);
});

t.test("requests and replies are counted: one of each for a status", async (t) => {
  const bench = await benchRedfish(t);
  const device = redfishDevice(t, bench);
  await device.read();
  const before = device.packets?.() ?? 0;
  await device.read();
  t.equal((device.packets?.() ?? 0) - before, 2);
});

t.test("nothing listens: unreachable, with the address", async (t) => {
  const bench = await benchRedfish(t);
  const device = redfishDevice(t, bench);
  await bench.server.close();
  await t.rejects(device.read(), { code: "unreachable", message: /redfish http:\/\/127\.0\.0\.1:\d+: GET .*ECONNREFUSED/ });
});
