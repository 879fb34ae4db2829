import t, { type Test } from "tap";
import {
  getChassisStatus,
  getPayloadActivationStatus,
  getPayloadInstanceInfo,
  activatePayload,
  chassisControl,
  deactivatePayload,
} from "../../../../agent/ipmi/command/index.js";
import { LoginWindow, openBmc, type BmcOptions, type SolEvent } from "../../../../agent/ipmi/index.js";
import { encode } from "../../../../agent/ipmi/wire/index.js";
import { CancelledError } from "../../../../proto/base/errors.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { BmcDouble, type DoubleSettings } from "../../../support/ipmi/bmc-double.js";
import { advanceUntil, withBench, type Bench } from "../../../support/ipmi/bench.js";
import { fromHex, seededBytes } from "../../../support/ipmi/bytes.js";

function bench(
  name: string,
  body: (t: Test, bench: Bench) => Promise<void>,
  settings: DoubleSettings = {},
  options: Partial<BmcOptions> = {},
): void {
  t.test(name, (t) => withBench(t, { ...settings, options }, (bench) => body(t, bench)));
}

/** SOL that belongs to whoever activated it last; `owner` is what the BMC says of it. */
function withSol(double: BmcDouble): { owner: number } {
  const sol = { owner: 0 };
  double.answer(getPayloadActivationStatus, () => ({ code: 0, data: Uint8Array.of(1, sol.owner === 0 ? 0 : 1, 0) }));
  double.answer(getPayloadInstanceInfo, () => ({
    code: 0,
    data: encode(getPayloadInstanceInfo.reply, { sessionId: sol.owner, information: Uint8Array.of(1) }),
  }));
  double.answer(activatePayload, () => {
    if (sol.owner !== 0) return { code: 0x80 };
    sol.owner = double.lastSessionId;
    return { code: 0, data: fromHex("00000000040104016f02ffff") };
  });
  double.answer(deactivatePayload, () => {
    const code = sol.owner === 0 ? 0x80 : 0;
    sol.owner = 0;
    return { code };
  });
  return sol;
}

bench("a command that is lost is sent again, Chassis Control is not", async (t, { double, clock, bmc }) => {
  await bmc.deviceId();
  double.drop(getChassisStatus.name, 2);
  t.equal((await advanceUntil(clock, bmc.chassisStatus())).power.on, true);
  t.equal(double.count(getChassisStatus.name), 3);
  double.drop(chassisControl.name, 1);
  await t.rejects(advanceUntil(clock, bmc.chassisControl("cycle")), {
    code: "unreachable",
    message: /no answer to Chassis Control, sent once, in 10\.0 s; it is open whether the BMC acted/,
  });
  t.equal(double.count(chassisControl.name), 1);
});

bench("a busy BMC is asked again, unless the command may not be repeated", async (t, { double, clock, bmc }) => {
  let busy = 2;
  double.answer(getChassisStatus, () => (busy-- > 0 ? { code: 0xc0 } : { code: 0, data: fromHex("000000") }));
  t.equal((await advanceUntil(clock, bmc.chassisStatus())).power.on, false);
  double.answer(chassisControl, () => ({ code: 0xc0 }));
  await t.rejects(bmc.chassisControl("on"), { code: "exhausted", message: /Chassis Control: 0xc0 node busy; it did nothing/ });
  t.equal(double.count(chassisControl.name), 1);
});

bench("completion codes become errors a caller can act on", async (t, { double, bmc }) => {
  for (const [code, expected] of [
    [0xd4, "permission"],
    [0xd5, "unsupported"],
    [0xc1, "unsupported"],
    [0xff, "failed"],
  ] as const) {
    double.answer(chassisControl, () => ({ code }));
    await t.rejects(bmc.chassisControl("on"), { code: expected });
  }
  double.answer(getChassisStatus, () => ({ code: 0, data: fromHex("01") }));
  await t.rejects(bmc.chassisStatus(), { code: "failed", message: /cannot read its answer/ });
});

bench("a lost RAKP message starts the handshake again; concurrent calls share the login", async (t, { double, clock, bmc }) => {
  double.drop("RAKP 3", 1);
  await advanceUntil(clock, Promise.all([bmc.chassisStatus(), bmc.deviceId(), bmc.chassisStatus()]));
  t.equal(double.count("Open Session"), 2);
  t.equal(double.count("RAKP 1"), 2);
  t.equal(double.openSessions, 1);
});

bench("a session whose RAKP 4 was lost is closed again, and so is one nobody waits for any more", async (t, { double, clock, bmc }) => {
  double.drop("RAKP 4", 1);
  await advanceUntil(clock, bmc.chassisStatus());
  t.equal(double.count("RAKP 4"), 2);
  t.equal(double.openSessions, 1);
  double.reboot();
  double.drop("RAKP 4", 1);
  const asked = t.rejects(bmc.chassisStatus(), { code: "unreachable" });
  while (double.count("RAKP 4") < 3) await clock.advance(100);
  t.equal(double.openSessions, 1, "opened, and we have not heard");
  await advanceUntil(clock, bmc.close());
  await asked;
  t.equal(double.openSessions, 0);
});

bench("a silent BMC is unreachable, and the error says what was sent how often", async (t, { double, clock, bmc }) => {
  double.silence(true);
  await t.rejects(advanceUntil(clock, bmc.chassisStatus()), {
    code: "unreachable",
    message:
      /bmc 10\.0\.1\.10: no answer to Get Channel Authentication Capabilities and Open Session, sent 4 times in about 10 s; check its address/,
  });
});

bench(
  "another password is an authentication error, known without waiting, and the BMC is told",
  async (t, { double, clock, bmc }) => {
    await t.rejects(bmc.chassisStatus(), { code: "authentication", message: /different password or K_g/ });
    t.ok(double.seen.includes("gave up: 15"));
    t.equal(clock.monotonicMs(), 0);
  },
  { password: "other" },
);

bench(
  "another K_g is one too",
  async (t, { double, bmc }) => {
    await t.rejects(bmc.chassisStatus(), { code: "authentication", message: /different password or K_g/ });
    double.reboot();
  },
  { kg: "0x0102" },
);

bench(
  "the same K_g is fine",
  async (t, { bmc }) => {
    t.equal((await bmc.chassisStatus()).power.on, true);
  },
  { kg: "0x0102" },
  { kg: "0x0102" },
);

bench(
  "a suite the BMC refuses is tried once, not at every login",
  async (t, { double, clock, bmc }) => {
    await bmc.chassisStatus();
    t.equal(double.count("Open Session"), 2);
    double.reboot();
    await advanceUntil(clock, bmc.chassisStatus());
    t.equal(double.count("Open Session"), 3);
  },
  { suites: [3] },
);

bench(
  "after the BMC forgot the session, a command finds out and logs in again; Chassis Control is not the one to find out",
  async (t, { double, clock, bmc }) => {
    await bmc.chassisStatus();
    double.reboot();
    t.equal((await advanceUntil(clock, bmc.chassisStatus())).power.on, true);
    await clock.advance(10_000);
    double.reboot();
    await advanceUntil(clock, bmc.chassisControl("cycle"));
    t.equal(double.count(chassisControl.name), 1);
  },
);

bench("an idle session is kept alive", async (t, { double, clock, bmc }) => {
  await bmc.chassisStatus();
  await clock.advance(95_000);
  const kept = double.count("Get Device ID");
  t.ok(kept >= 3 && kept <= 4, `${kept} keepalives in 95 s`);
  t.equal(double.count("Open Session"), 1);
});

bench("a caller that gives up stops waiting, and the BMC serves the next", async (t, { double, clock, bmc }) => {
  await bmc.deviceId();
  double.drop(getChassisStatus.name, 1);
  const abort = new AbortController();
  const given = bmc.chassisStatus({ signal: abort.signal });
  abort.abort();
  await t.rejects(given, CancelledError);
  await advanceUntil(clock, bmc.chassisStatus());
});

bench("a console shares the session, is deactivated when closed, and then the session ends", async (t, { double, clock, bmc }) => {
  const sol = withSol(double);
  const stream = await bmc.openSol();
  await t.rejects(bmc.openSol(), { code: "conflict" });
  await bmc.chassisStatus();
  t.equal(double.openSessions, 1);
  double.sendSol({ sequence: 7, acknowledged: 0, accepted: 0, flags: 0, data: fromHex("6869") });
  const events = stream.events[Symbol.asyncIterator]();
  t.match((await events.next()).value, { kind: "bytes", data: fromHex("6869"), receivedMs: clock.now() });
  t.match(double.solSeen, [{ acknowledged: 7, accepted: 2 }]);
  const written = stream.write(fromHex("0d"));
  await clock.advance(0);
  double.sendSol({ sequence: 0, acknowledged: 1, accepted: 1, flags: 0, data: new Uint8Array(0) });
  await written;
  await stream.close();
  t.equal(sol.owner, 0);
  t.same(await events.next(), { value: undefined, done: true });
});

bench("a console somebody else holds is a conflict that names the session; stealing takes it", async (t, { double, bmc }) => {
  const sol = withSol(double);
  sol.owner = 0x177;
  await t.rejects(bmc.openSol(), { code: "conflict", message: /SOL is active in session 0x177; close it there or steal it/ });
  const stream = await bmc.openSol({ steal: true });
  t.equal(double.count(deactivatePayload.name), 1);
  await stream.close();
});

bench("a stolen console ends with a loss and the thief's name", async (t, { double, clock, bmc }) => {
  const sol = withSol(double);
  const stream = await bmc.openSol();
  sol.owner = 0x177;
  await clock.advance(31_000);
  const { seen, error } = await drain(stream.events);
  t.match(seen, [{ kind: "loss", cause: "stolen" }]);
  t.match(error, { code: "conflict", message: /session 0x177 has taken SOL/ });
  await stream.close();
  t.equal(sol.owner, 0x177, "the thief keeps it");
});

bench(
  "a short silence does not end a console, a long one does, and what was ours is taken back without stealing",
  async (t, { double, clock, bmc }) => {
    const sol = withSol(double);
    const stream = await bmc.openSol();
    double.silence(true);
    await clock.advance(40_000);
    double.silence(false);
    await clock.advance(30_000);
    t.equal(double.count("Open Session"), 1, "still the same session");
    double.silence(true);
    await clock.advance(120_000);
    const { seen, error } = await drain(stream.events);
    t.match(seen, [{ kind: "loss", cause: "line-down" }]);
    t.match(error, { code: "unreachable", message: /no answer to Get Payload Instance Info/ });
    await stream.close();
    double.silence(false);
    double.reboot();
    t.equal(sol.owner, 0x100, "the BMC still has the console in the old session");
    const again = await advanceUntil(clock, bmc.openSol());
    await again.close();
  },
);

t.test("settings the protocol has no room for are refused before anything is sent", (t) => {
  const deps = { clock: new FakeClock(), log: silentLogger, transport: new BmcDouble(), random: seededBytes(1), logins: new LoginWindow() };
  const open = (options: Partial<BmcOptions>) => openBmc({ address: "10.0.1.10", user: "admin", password: "secret", ...options }, deps);
  t.throws(() => open({ cipherSuites: [0] }), { message: /cipher suite 0 is not offered; there are 3, 8, 12 and 17/ });
  t.throws(() => open({ quirks: ["solpaylodsize"] }), { message: /quirk "solpaylodsize" is unknown; there are opensesspriv/ });
  t.throws(() => open({ password: "a password of more than twenty bytes" }), { code: "invalid-argument" });
  t.end();
});

async function drain(events: AsyncIterable<SolEvent>): Promise<{ seen: SolEvent[]; error: unknown }> {
  const seen: SolEvent[] = [];
  try {
    for await (const event of events) seen.push(event);
  } catch (error) {
    return { seen, error };
  }
  return { seen, error: undefined };
}
