import { getEventListeners } from "node:events";
import t from "tap";
import { getChannelAuthenticationCapabilities } from "../../../../agent/ipmi/command/index.js";
import { discoverBmc, LoginWindow, type BmcOptions } from "../../../../agent/ipmi/index.js";
import { suiteNumbers } from "../../../../agent/ipmi/discover.js";
import { askOutside } from "../../../../agent/ipmi/session/index.js";
import { rakpStatus } from "../../../../agent/ipmi/wire/index.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { advanceUntil } from "../../../support/ipmi/bench.js";
import { BmcDouble, type DoubleSettings } from "../../../support/ipmi/bmc-double.js";
import { fromHex, seededBytes } from "../../../support/ipmi/bytes.js";

function bench(settings: DoubleSettings, options: Partial<BmcOptions> = {}) {
  const [double, clock] = [new BmcDouble(settings), new FakeClock()];
  const deps = { clock, log: silentLogger, transport: double, random: seededBytes(7), logins: new LoginWindow() };
  const discover = (signal?: AbortSignal) =>
    discoverBmc({ address: "10.0.1.10", user: "admin", password: "secret", ...options }, deps, { signal });
  return { double, clock, discover };
}

t.test("suites are tried one after another, each session closed again", async (t) => {
  const { double, clock, discover } = bench({ suites: [17, 8], deviations: { refusal: 0x12 } }, { cipherSuites: [17] });
  const found = await advanceUntil(clock, discover());
  t.match(found, {
    label: "bmc 10.0.1.10",
    capabilities: { v20: true, kgSet: false },
    advertised: undefined,
    suites: [
      { id: 17, works: true, advertised: false, detail: /^logged in within 0\.00 s$/ },
      { id: 12, works: false, detail: /suite 12: 0x12 illegal or unrecognized parameter/ },
      { id: 8, works: true },
      { id: 3, works: false },
    ],
    learned: [],
  });
  t.equal(double.openSessions, 0);
  t.equal(double.count("Close Session"), 2);
  t.equal(clock.pendingTimers, 0);
});

t.test("a wrong password is tried with one suite, and once more in case a message was damaged", async (t) => {
  const { double, clock, discover } = bench({ suites: [17, 12, 8, 3] }, { password: "wrong" });
  const { suites } = await advanceUntil(clock, discover());
  t.equal(double.count("RAKP 1"), 2);
  t.match(suites, [
    { id: 17, works: false, detail: /different password or K_g/ },
    { id: 3, works: false, detail: /not tried: user name, password or K_g was refused/ },
    { works: false },
    { works: false },
  ]);
});

t.test("workarounds are found out on the way and used for the next suite", async (t) => {
  const judge = ({ userName }: { userName: Uint8Array }) => (userName.length === 16 ? 0 : rakpStatus.unauthorizedName);
  const { double, clock, discover } = bench({ deviations: { judge, noCapabilities: true } });
  const { learned, capabilities } = await advanceUntil(clock, discover());
  t.equal(capabilities, undefined);
  t.same(
    learned.map(({ name }) => name),
    ["noauthcap", "intel20"],
  );
  t.equal(double.count("RAKP 1"), 3 + 1);
});

t.test("a list of suites longer than one answer is read to its end", async (t) => {
  const suiteRecords = fromHex("c003014181 c0080242 81 c00c024381 c011034481");
  const { clock, discover } = bench({ deviations: { suiteRecords } });
  const { advertised, suites } = await advanceUntil(clock, discover());
  t.same(advertised, [3, 8, 12, 17]);
  t.match(suites, [
    { id: 17, advertised: true, works: true },
    { id: 3, advertised: true, works: true },
    { id: 12, advertised: true, works: false },
    { id: 8, advertised: true, works: false },
  ]);
});

t.test("nobody there is told, and asked no further", async (t) => {
  const { double, clock, discover } = bench({});
  double.silence(true);
  const found = await advanceUntil(clock, discover());
  t.match(found, { capabilities: undefined, suites: [{ detail: /no answer/ }, { detail: "not tried: it does not answer" }, {}, {}] });
  t.ok(clock.monotonicMs() < 15_000, `${clock.monotonicMs()} ms`);
});

t.test("a caller that gives up is told so at once, and nothing is left behind", async (t) => {
  const { double, clock, discover } = bench({});
  double.silence(true);
  const giving = new AbortController();
  const found = discover(giving.signal);
  await clock.advance(100);
  giving.abort();
  await t.rejects(found, { code: "cancelled" });
  t.equal(clock.pendingTimers, 0);
});

t.test("suite numbers are read from records whatever their tags", async (t) => {
  t.same(suiteNumbers(fromHex("c003014181 c011034481 c1800000ff 034481 c0030141")), [3, 17]);
  t.same(suiteNumbers(fromHex("c0")), []);
  t.same(suiteNumbers(new Uint8Array(0)), []);
});

t.test("a question outside a session leaves nothing on a signal that outlives it", async (t) => {
  const { signal } = new AbortController();
  const deps = { clock: new FakeClock(), transport: new BmcDouble(), random: seededBytes(7) };
  const question = { channel: { wantV20: true, number: 14 }, privilege: 3 };
  const settings = { waitsMs: [500], signal };
  t.ok(await askOutside({ address: "10.0.1.10", port: 623 }, getChannelAuthenticationCapabilities, question, deps, settings));
  t.same(getEventListeners(signal, "abort"), []);
});
