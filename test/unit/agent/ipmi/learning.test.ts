/** BMCs that deviate, and a client that finds out how. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { cutPasswordKey, padUserName, type RakpFacts } from "../../../../agent/ipmi/crypto/index.js";
import { newMemory } from "../../../../agent/ipmi/index.js";
import { rakpStatus, type Rakp1 } from "../../../../agent/ipmi/wire/index.js";
import { createLogger } from "../../../../proto/base/logger.js";
import { advanceUntil, withBench, type Bench, type BenchSettings } from "../../../support/ipmi/bench.js";
import type { Deviations } from "../../../support/ipmi/bmc-double.js";

const nameOnly = 0x10;
const padded = ({ userName }: Rakp1) => userName.length === 16;

function deviating(name: string, settings: BenchSettings, body: (t: Test, bench: Bench) => Promise<void>): void {
  t.test(name, (t) => withBench(t, settings, (bench) => body(t, bench)));
}

const names = ({ bmc }: Bench) => bmc.learned().map(({ name }) => name);

/** Logs in, loses the session, logs in again; gives the logins each took. */
async function twoLogins({ bmc, double, clock }: Bench): Promise<[number, number]> {
  await advanceUntil(clock, bmc.chassisStatus());
  const first = double.count("RAKP 1");
  double.reboot();
  await advanceUntil(clock, bmc.chassisStatus());
  return [first, double.count("RAKP 1") - first];
}

deviating(
  "a BMC that wants names filled up and no name-only lookup is found out once",
  {
    deviations: {
      judge: (rakp1) => (padded(rakp1) && (rakp1.role & nameOnly) === 0 ? 0 : rakpStatus.unauthorizedName),
    },
  },
  async (t, bench) => {
    t.same(await twoLogins(bench), [3, 1]);
    t.same(names(bench), ["intel20"]);
    t.match(bench.bmc.learned()[0]?.symptom, /RAKP 1 was refused with 0x0d unauthorized name/);
  },
);

deviating(
  "a BMC that computes with a filled name is found out by its code alone",
  {
    deviations: {
      judge: (rakp1) => (rakp1.userName.length <= 16 ? 0 : rakpStatus.invalidNameLength),
      facts: (facts) => ({ ...facts, userName: padUserName(facts.userName), role: facts.role & ~nameOnly }),
    },
  },
  async (t, bench) => {
    t.same(await twoLogins(bench), [2, 1]);
    t.same(names(bench), ["intel20"]);
  },
);

deviating(
  "a BMC that knows half of a long password does with the MD5 suites",
  {
    suites: [8],
    password: "twenty bytes of text",
    deviations: { userKey: cutPasswordKey },
    options: { password: "twenty bytes of text", cipherSuites: [8] },
  },
  async (t, bench) => {
    t.same(await twoLogins(bench), [2, 1]);
    t.same(names(bench), ["intel20"]);
  },
);

deviating(
  "but half a password is a wrong one with the others",
  { password: "twenty bytes of text", deviations: { userKey: cutPasswordKey }, options: { password: "twenty bytes of text" } },
  async (t, bench) => {
    await t.rejects(bench.bmc.chassisStatus(), { code: "authentication" });
    t.equal(bench.double.count("RAKP 1"), 2);
  },
);

deviating(
  "lookup by privilege is found out",
  { deviations: { judge: (rakp1) => ((rakp1.role & nameOnly) === 0 ? 0 : rakpStatus.unauthorizedName) } },
  async (t, bench) => {
    t.same(await twoLogins(bench), [2, 1]);
    t.same(names(bench), ["privlookup"]);
  },
);

for (const { bytes, name } of [
  { bytes: 1, name: "supermicro20" },
  { bytes: 8, name: "sun20" },
]) {
  deviating(
    `codes ${bytes} too long are read for what belongs there`,
    { deviations: { code: (code) => Buffer.concat([code, Buffer.alloc(bytes, 0xaa)]) } },
    async (t, bench) => {
      t.same(await twoLogins(bench), [1, 1]);
      t.same(names(bench), [name]);
    },
  );
}

deviating("a code too short proves nothing", { deviations: { code: (code) => code.subarray(0, -1) } }, async (t, bench) => {
  await t.rejects(bench.bmc.chassisStatus(), { code: "authentication" });
  t.equal(bench.double.count("RAKP 1"), 2);
  t.same(names(bench), []);
});

deviating(
  "a BMC that does not tell what it can do is logged in to all the same",
  { deviations: { noCapabilities: true } },
  async (t, bench) => {
    t.same(await twoLogins(bench), [1, 1]);
    t.same(names(bench), ["noauthcap"]);
    t.equal(bench.double.count("Get Channel Authentication Capabilities"), 2, "asked twice at the first login, not at the second");
    t.ok(bench.clock.monotonicMs() < 12_000);
  },
);

deviating("wrong checksums under a right integrity code are read", { deviations: { wrongChecksums: true } }, async (t, bench) => {
  t.equal((await advanceUntil(bench.clock, bench.bmc.chassisStatus())).power.on, true);
  t.equal(bench.double.count("Get Chassis Status"), 1);
  t.same(names(bench), ["nochecksumcheck"]);
});

for (const refusal of [0x01, 0x0a, 0x12, "another suite"] as const) {
  deviating(
    `a suite refused with ${refusal} is followed by the next, which is then tried first`,
    { suites: [3], deviations: { refusal } },
    async (t, bench) => {
      t.same(await twoLogins(bench), [1, 1]);
      t.equal(bench.double.count("Open Session"), 3);
    },
  );
}

deviating("a suite met with silence costs two attempts, once", { suites: [3], deviations: { refusal: "silence" } }, async (t, bench) => {
  await advanceUntil(bench.clock, bench.bmc.chassisStatus());
  const spentMs = bench.clock.monotonicMs();
  t.ok(spentMs <= 3900, `${spentMs} ms`);
  t.equal(bench.double.routes, 3, "each repetition from another port");
  bench.double.reboot();
  await advanceUntil(bench.clock, bench.bmc.chassisStatus());
  t.equal(bench.double.count("Open Session"), 4);
});

t.test("a wrong password is two logins, an unknown name three without a password", async (t) => {
  await withBench(t, { options: { password: "wrong" } }, async ({ bmc, double }) => {
    await t.rejects(bmc.chassisStatus(), { code: "authentication" });
    t.equal(double.count("RAKP 1"), 2);
  });
  await withBench(t, { deviations: { judge: () => rakpStatus.unauthorizedName } }, async ({ bmc, double }) => {
    await t.rejects(bmc.chassisStatus(), { code: "authentication", message: /check the user name/ });
    t.equal(double.count("RAKP 1"), 3);
    t.equal(double.count("RAKP 3"), 0);
    t.same(bmc.learned(), [], "what did not help was not learned");
  });
});

t.test("a workaround found by its code counts as one of the two", async (t) => {
  let login = 0;
  const facts = (of: RakpFacts) => ({ ...of, userName: padUserName(of.userName), role: of.role & ~nameOnly });
  const deviations: Deviations = {
    judge: () => (login += 1) && 0,
    facts: (of) => (login === 1 ? facts(of) : { ...of, userName: Buffer.from("somebody else") }),
  };
  await withBench(t, { deviations }, async ({ bmc, double }) => {
    await t.rejects(bmc.chassisStatus(), { code: "authentication" });
    t.equal(double.count("RAKP 1"), 2);
  });
});

for (const { message, damaged } of [
  { message: "RAKP 2", damaged: 1 },
  { message: "RAKP 4", damaged: 2 },
]) {
  let codes = 0;
  const code = (of: Uint8Array) => ((codes += 1) === damaged ? of.map((byte) => byte ^ 1) : of);
  deviating(`one damaged ${message} is not a wrong password`, { deviations: { code } }, async (t, { bmc, double }) => {
    t.equal((await bmc.chassisStatus()).power.on, true);
    t.equal(double.count("RAKP 1"), 2);
    t.same(bmc.learned(), []);
    // A BMC that has said yes has a session nobody can close: its keys were not agreed on.
    await bmc.close();
    t.equal(double.openSessions, damaged - 1);
    double.reboot();
  });
}

deviating(
  "whoever asks on after a wrong password gets the same answer; the BMC is asked again, once, after 5, 10, 20, 30 and 30 minutes",
  { options: { password: "wrong" } },
  async (t, { bmc, double, clock }) => {
    const logins: number[] = [];
    for (let minute = 0, before = 0; minute < 100; minute += 1) {
      await t.rejects(bmc.chassisStatus(), { code: "authentication", message: /different password or K_g/ });
      for (const now = double.count("RAKP 1"); before < now; before += 1) logins.push(minute);
      await clock.advance(60_000);
    }
    t.same(logins, [0, 0, 5, 15, 35, 65, 95]);
    await t.rejects(bmc.chassisStatus(), {
      message: /check both; not tried again for 25 min, because BMCs lock accounts; a probe that gets in ends that$/,
    });
  },
);

t.test("what was learned is told once, in the words of the inventory, without secrets, and outlives the holder", async (t) => {
  const file = join(t.testdir(), "log");
  const log = createLogger({ name: "test", level: "debug", file });
  const memory = newMemory();
  const settings: BenchSettings = {
    deviations: { noCapabilities: true, wrongChecksums: true },
    options: { quirks: ["solstatus"] },
    log,
    memory,
  };
  await withBench(t, settings, async (bench) => void (await twoLogins(bench)));
  await withBench(t, settings, async (bench) => {
    await bench.bmc.chassisStatus();
    t.equal(bench.double.count("Get Channel Authentication Capabilities"), 0);
  });
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const told = lines.filter((line) => line.includes("workaround"));
  t.match(
    told.map((line) => JSON.parse(line) as unknown),
    [
      { quirk: "nochecksumcheck", stanza: "quirks: [solstatus, nochecksumcheck]" },
      { quirk: "noauthcap", stanza: "quirks: [solstatus, nochecksumcheck, noauthcap]" },
    ],
  );
});
