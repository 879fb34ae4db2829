/** Sessions that are short, stale, forged or never closed; secrets that must not show. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import t from "tap";
import {
  chassisControl,
  getChassisStatus,
  getPayloadActivationStatus,
  getPayloadInstanceInfo,
  activatePayload,
} from "../../../../agent/ipmi/command/index.js";
import { LoginWindow, openBmc } from "../../../../agent/ipmi/index.js";
import { encode } from "../../../../agent/ipmi/wire/index.js";
import { createLogger, silentLogger } from "../../../../proto/base/logger.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { advanceUntil, benchSecret, withBench } from "../../../support/ipmi/bench.js";
import { BmcDouble } from "../../../support/ipmi/bmc-double.js";
import { fromHex, seededBytes } from "../../../support/ipmi/bytes.js";

function serveSol(double: BmcDouble): void {
  double.answer(getPayloadActivationStatus, () => ({ code: 0, data: Uint8Array.of(1, 0, 0) }));
  const owner = { sessionId: 0x100, information: Uint8Array.of(1) };
  double.answer(getPayloadInstanceInfo, () => ({ code: 0, data: encode(getPayloadInstanceInfo.reply, owner) }));
  double.answer(activatePayload, () => ({ code: 0, data: fromHex("00000000040104016f02ffff") }));
}

t.test("without a free session everybody is told at once, but a console waits for its turn", async (t) => {
  await withBench(t, { deviations: { slots: 1 } }, async ({ bmc, double, clock, deps }) => {
    serveSol(double);
    const other = openBmc({ address: "10.0.1.10", user: "admin", password: benchSecret }, deps);
    await other.chassisStatus();
    await t.rejects(bmc.chassisStatus(), { code: "exhausted", message: /no free session.*close other IPMI sessions/ });
    t.equal(clock.monotonicMs(), 0);
    const opening = bmc.openSol();
    opening.catch(() => undefined);
    await clock.advance(10_000);
    const asked = double.count("Open Session");
    t.ok(asked > 4 && asked < 20, `${asked} proposals in 10 s`);
    await t.rejects(bmc.chassisStatus(), { code: "exhausted" }, "others are still told at once");
    await other.close();
    const stream = await advanceUntil(clock, opening);
    await stream.close();
  });
});

t.test("a console that finds no slot for more than a minute says so", async (t) => {
  await withBench(t, { deviations: { slots: 0 } }, async ({ bmc, clock }) => {
    await t.rejects(advanceUntil(clock, bmc.openSol()), { code: "exhausted" });
    t.ok(clock.monotonicMs() > 60_000 && clock.monotonicMs() < 90_000, `${clock.monotonicMs()} ms`);
  });
});

t.test("with a console open, a BMC that has forgotten the session is found out by what it answers strangers", async (t) => {
  await withBench(t, {}, async ({ bmc, double, clock }) => {
    serveSol(double);
    const stream = await bmc.openSol();
    await clock.advance(10_000);
    double.reboot();
    const beganMs = clock.monotonicMs();
    t.equal((await advanceUntil(clock, bmc.chassisStatus())).power.on, true);
    t.ok(clock.monotonicMs() - beganMs < 9000, "no need to wait for six missed keepalives");
    await stream.close();
  });
});

t.test("a command a busy BMC timed out on is asked again, Chassis Control is left open", async (t) => {
  await withBench(t, {}, async ({ bmc, double, clock }) => {
    let timeouts = 2;
    double.answer(getChassisStatus, () => (timeouts-- > 0 ? { code: 0xc3 } : { code: 0, data: fromHex("010000") }));
    t.equal((await advanceUntil(clock, bmc.chassisStatus())).power.on, true);
    double.answer(chassisControl, () => ({ code: 0xc3 }));
    await t.rejects(bmc.chassisControl("cycle"), { code: "unreachable", message: /0xc3 timed out inside the BMC; it is open whether/ });
    t.equal(double.count(chassisControl.name), 1);
  });
});

t.test("a BMC that said nothing is asked less often the next time, and as often as ever once it is back", async (t) => {
  await withBench(t, {}, async ({ bmc, double, clock }) => {
    double.silence(true);
    await t.rejects(advanceUntil(clock, bmc.chassisStatus()), { code: "unreachable", message: /sent 4 times in about 10 s/ });
    await t.rejects(advanceUntil(clock, bmc.chassisStatus()), { code: "unreachable", message: /sent 2 times in about 3 s/ });
    double.silence(false);
    await bmc.chassisStatus();
  });
});

t.test("256 dead BMCs with sessions and consoles are let go within four seconds", async (t) => {
  const clock = new FakeClock();
  const doubles = Array.from({ length: 256 }, () => new BmcDouble());
  const bmcs = doubles.map((transport, index) => {
    const deps = { clock, log: silentLogger, transport, random: seededBytes(index + 1), logins: new LoginWindow() };
    return openBmc({ address: `10.0.1.${index}`, user: "admin", password: benchSecret }, deps);
  });
  for (const double of doubles) serveSol(double);
  await Promise.all(bmcs.map((bmc, index) => (index % 2 === 0 ? bmc.openSol() : bmc.deviceId())));
  for (const double of doubles) double.silence(true);
  // One of them is in the middle of a command that may take ten seconds.
  const cut = t.rejects(bmcs[1]?.chassisControl("cycle") ?? Promise.resolve(), {
    code: "unreachable",
    message: /the session ended before/,
  });
  const beganMs = clock.monotonicMs();
  await advanceUntil(clock, Promise.all(bmcs.map((bmc) => bmc.close())));
  await cut;
  t.ok(clock.monotonicMs() - beganMs <= 4000, `${clock.monotonicMs() - beganMs} ms`);
  t.equal(clock.pendingTimers, 0);
  t.ok(
    doubles.every((double) => double.seen.includes("Close Session")),
    "and each was told",
  );
});

t.test("nothing that is logged or thrown holds the password, its key or K_g", async (t) => {
  const file = join(t.testdir(), "log");
  const log = createLogger({ name: "test", level: "debug", file });
  const [password, kg] = ["Tr0ub4dor&3", "0x4b67c0ffee"];
  const secrets = [password, Buffer.from(password).toString("hex"), Buffer.from(password).toString("base64"), "4b67c0ffee", "S2fA/+4"];
  const said: string[] = [];
  const options = { password, kg };
  for (const settings of [
    { password: "another" },
    { password, kg: "0x01" },
    { password, kg },
    { password, kg, deviations: { slots: 0 } },
  ]) {
    await withBench(t, { ...settings, options, log }, async ({ bmc, double, clock }) => {
      await bmc.chassisStatus().catch((error: unknown) => said.push(inspect(error, { depth: 10, showHidden: true })));
      double.silence(true);
      await advanceUntil(clock, bmc.chassisStatus()).catch((error: unknown) => said.push(inspect(error, { depth: 10, showHidden: true })));
      said.push(inspect(bmc, { depth: 10 }), JSON.stringify(bmc));
      double.reboot();
    });
  }
  const everything = [readFileSync(file, "utf8"), ...said].join("\n").toLowerCase();
  t.match(everything, /different password or k_g/);
  for (const secret of secrets) t.notOk(everything.includes(secret.toLowerCase()), "a secret shows");
});
