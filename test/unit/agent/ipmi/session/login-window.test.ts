import t from "tap";
import { LoginWindow, openBmc, type Transport } from "../../../../../agent/ipmi/index.js";
import { silentLogger } from "../../../../../proto/base/logger.js";
import { FakeClock } from "../../../../support/fake-clock.js";
import { advanceUntil } from "../../../../support/ipmi/bench.js";
import { BmcDouble } from "../../../../support/ipmi/bmc-double.js";
import { seededBytes } from "../../../../support/ipmi/bytes.js";

t.test("places are given in turn, once each, and not to those who have left", async (t) => {
  const window = new LoginWindow(2);
  const entered: string[] = [];
  const enter = async (name: string, signal?: AbortSignal) => {
    const leave = await window.enter({ signal });
    entered.push(name);
    return leave;
  };
  const [a, b] = await Promise.all([enter("a"), enter("b")]);
  const leaving = new AbortController();
  const c = enter("c", leaving.signal);
  const d = enter("d");
  const e = enter("e");
  leaving.abort();
  await t.rejects(c, { code: "cancelled" });
  a?.();
  a?.();
  (await d)();
  b?.();
  (await e)();
  t.same(entered, ["a", "b", "d", "e"]);
  await Promise.all([enter("f"), enter("g")]);
  t.same(entered.slice(4), ["f", "g"], "every place came back");
  const gone = new AbortController();
  gone.abort();
  await t.rejects(window.enter({ signal: gone.signal }), { code: "cancelled" });
});

t.test("576 dead BMCs before them hold 64 live ones up for less than three seconds, and 64 log in at once", async (t) => {
  const clock = new FakeClock();
  const logins = new LoginWindow();
  let routes = 0;
  const open = (index: number, alive: boolean) => {
    const double = new BmcDouble();
    if (!alive) double.silence(true);
    const transport: Transport = {
      open(remote, listener) {
        routes += 1;
        return double.open(remote, listener);
      },
      close: () => double.close(),
    };
    const deps = { clock, log: silentLogger, transport, random: seededBytes(index + 1), logins };
    return openBmc({ address: `bmc${index}`, user: "admin", password: "secret" }, deps);
  };
  const dead = Array.from({ length: 576 }, (_, index) => open(index, false));
  const live = Array.from({ length: 64 }, (_, index) => open(1000 + index, true));
  const failing = Promise.allSettled(dead.map((bmc) => bmc.deviceId()));
  await clock.advance(0);
  t.equal(routes, 64, "the others wait");
  await advanceUntil(clock, Promise.all(live.map((bmc) => bmc.deviceId())));
  t.ok(clock.monotonicMs() <= 3000, `${clock.monotonicMs()} ms`);
  const outcomes = await advanceUntil(clock, failing);
  t.ok(outcomes.every(({ status }) => status === "rejected"));
  t.ok(clock.monotonicMs() < 20_000, `${clock.monotonicMs()} ms`);
  await Promise.all([...dead, ...live].map((bmc) => bmc.close()));
  t.equal(clock.pendingTimers, 0);
});
