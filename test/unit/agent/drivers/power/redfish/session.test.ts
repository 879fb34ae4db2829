/** Sessions of a Redfish service: one, used as long as it lasts, never left behind; and secrets that stay secret. */
import { Writable } from "node:stream";
import { pino } from "pino";
import t from "tap";
import { RedfishServices } from "../../../../../../agent/drivers/power/redfish/service.js";
import { openRedfishPower } from "../../../../../../agent/drivers/power/redfish/device.js";
import { systemClock } from "../../../../../../proto/base/clock.js";
import { describeError } from "../../../../../../proto/base/errors.js";
import { silentLogger } from "../../../../../../proto/base/logger.js";
import { FakeClock } from "../../../../../support/fake-clock.js";
import { until } from "../../../../../support/host/processes.js";
import { benchPassword } from "../../../../../support/sim/bench-bmc.js";
import { benchRedfish, redfishDevice } from "../../../../../support/sim/bench-redfish.js";

const logins = (requests: readonly string[]) => requests.filter((each) => each.startsWith("POST") && each.endsWith("/Sessions")).length;

t.test("one session for everything, also for those who come at the same time; none is left", async (t) => {
  const bench = await benchRedfish(t, { sessionSlots: 1 });
  const device = redfishDevice(t, bench);
  await Promise.all([device.read(), device.read(), device.management.sensors()]);
  await device.send("on");
  t.equal(logins(bench.server.requests), 1);
  t.equal(bench.server.service.sessions.list().length, 1);
  await device.close();
  t.same(bench.server.service.sessions.list(), []);
  await device.close();
  await t.rejects(device.read(), { code: "unreachable", message: /not looked after any more/ }, "and none is opened any more");
  t.equal(logins(bench.server.requests), 1);
});

t.test("a session that was forgotten is opened anew once, and the request is done once", async (t) => {
  const bench = await benchRedfish(t);
  const device = redfishDevice(t, bench);
  await device.read();
  bench.server.faults.inject("token-expired", 1);
  t.match(await device.read(), { state: "off" });
  t.equal(logins(bench.server.requests), 2);
  await Promise.all([device.read(), device.read()]);
  bench.server.service.sessions.closeAll();
  await Promise.all([device.read(), device.read()]);
  t.equal(logins(bench.server.requests), 3, "two who meet the same refusal log in once");
  bench.server.faults.inject("token-expired", 1);
  await device.send("on");
  t.same(bench.executed, ["on"]);
});

t.test("a service that forgets every session at once is no endless game, and a verb it refused for that was not executed", async (t) => {
  const bench = await benchRedfish(t, { faults: ["token-expired"] });
  const device = redfishDevice(t, bench);
  await t.rejects(device.send("on"), { code: "authentication", message: /no valid session/ });
  t.equal(logins(bench.server.requests), 2);
  t.same(bench.executed, []);
});

t.test("a session the service let expire is opened anew", async (t) => {
  const clock = new FakeClock();
  const bench = await benchRedfish(t, { clock, sessionTimeoutMs: 60_000 });
  const device = redfishDevice(t, bench);
  await device.read();
  await clock.advance(61_000);
  t.match(await device.read(), { state: "off" });
  t.equal(logins(bench.server.requests), 2);
});

t.test("no session left is exhausted, with what to do; later it works", async (t) => {
  const bench = await benchRedfish(t, { faults: ["session-limit"] });
  const device = redfishDevice(t, bench);
  await t.rejects(device.send("on"), {
    code: "exhausted",
    message: /open a session: 503: .*simultaneous sessions.*close sessions nobody uses/,
  });
  t.same(bench.executed, []);
  bench.server.faults.clear("session-limit");
  await device.send("on");
  t.same(bench.executed, ["on"]);
});

t.test("where no session can be had it is HTTP Basic, from the first refusal on", async (t) => {
  for (const fault of ["only-basic", "sessions-refused"] as const) {
    const bench = await benchRedfish(t, { faults: [fault] });
    const device = redfishDevice(t, bench);
    await device.send("on");
    await device.read();
    t.ok(logins(bench.server.requests) <= 1);
    t.ok(bench.on);
    t.match(await device.management.probe(), { problems: [/it has no sessions/] });
  }
});

t.test("a wrong password is refused as such, tried once, and never told, not even when the service tells it", async (t) => {
  const said: string[] = [];
  const log = pino({ level: "trace" }, new Writable({ write: (chunk, _, done) => done(void said.push(String(chunk))) }));
  for (const faults of [["echoes-password"], ["only-basic"]] as const) {
    const bench = await benchRedfish(t, { faults });
    const device = redfishDevice(t, bench, { target: { password: "hunter2 or so" }, log });
    const error = await device.read().catch((reason: unknown) => reason);
    t.match(error, { code: "authentication", message: /401.*check user and password/ });
    t.notMatch(describeError(error), "hunter2");
    t.ok(logins(bench.server.requests) <= 1, "a second attempt might lock the account");
  }
  const bench = await benchRedfish(t);
  const device = redfishDevice(t, bench, { log });
  bench.server.faults.inject("token-expired", 1);
  await device.read();
  await device.close();
  t.notMatch(said.join(""), /hunter2|correct horse/);
  t.ok(said.length > 0);
});

t.test("a service that hears nothing does not hold up the end for long", async (t) => {
  const bench = await benchRedfish(t);
  const clock = new FakeClock();
  const device = redfishDevice(t, bench, { clock });
  await device.read();
  bench.server.faults.inject("silent");
  const asked = bench.server.requests.length;
  const closed = device.close();
  await until(() => bench.server.requests.length > asked, "the logout");
  t.match(bench.server.requests.at(-1), /^DELETE/);
  await clock.advance(2_000);
  await closed;
});

t.test("a login under way when the end comes is waited for briefly too", async (t) => {
  const bench = await benchRedfish(t, { faults: ["silent"] });
  const clock = new FakeClock();
  const device = redfishDevice(t, bench, { clock });
  const reading = device.read().catch((error: unknown) => error);
  await until(() => bench.server.requests.length > 0, "the first request");
  const closed = device.close();
  await clock.advance(2_000);
  await closed;
  t.match(await reading, { code: "unreachable" });
});

t.test("systems of one service share its session; other credentials for it are refused", async (t) => {
  const bench = await benchRedfish(t, { faults: ["several-systems"] });
  const services = new RedfishServices({ clock: systemClock, log: silentLogger });
  const open = (system: string, password = benchPassword) =>
    openRedfishPower({ services, clock: systemClock, target: { ...bench.target, system, password } });
  const [first, second] = [open("/redfish/v1/Systems/1"), open("/redfish/v1/Systems/2")];
  t.not(first.label, second.label);
  await first.read();
  await second.read();
  t.equal(logins(bench.server.requests), 1);
  t.throws(() => open("", "another"), { code: "invalid-argument", message: /different credentials/ });
  await first.close();
  t.equal(bench.server.service.sessions.list().length, 1);
  await second.close();
  t.same(bench.server.service.sessions.list(), []);
  const third = open("/redfish/v1/Systems/1");
  await third.read();
  await services.close();
  t.same(bench.server.service.sessions.list(), []);
});
