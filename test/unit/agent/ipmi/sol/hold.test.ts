import t from "tap";
import {
  activatePayload,
  closeSession,
  deactivatePayload,
  getPayloadActivationStatus,
  getPayloadInstanceInfo,
  getSessionInfo,
} from "../../../../../agent/ipmi/command/index.js";
import type { SolEvent, SolStream } from "../../../../../agent/ipmi/index.js";
import { encode } from "../../../../../agent/ipmi/wire/index.js";
import { advanceUntil, withBench, type Bench, type BenchSettings } from "../../../../support/ipmi/bench.js";
import type { BmcDouble } from "../../../../support/ipmi/bmc-double.js";
import { toHex } from "../../../../support/ipmi/bytes.js";

interface SolModel {
  /** Session that has SOL, 0 = none. */
  owner: number;
  /** Deactivations that are answered and not done. */
  lies: number;
  /** Gives no owner. */
  nameless: boolean;
  /** What it calls its session 0x100. */
  name: number | undefined;
  /** Handles of sessions by the ids it names them by; 1 is the one that asks. Undefined = does not tell. */
  handles: ReadonlyMap<number, number> | undefined;
  inboundSizeBytes: number;
  port: number;
  /** First auxiliary bytes of the activations. */
  readonly options: number[];
}

/** SOL that belongs to whoever activated it last. */
function withSol(double: BmcDouble): SolModel {
  const sol: SolModel = {
    owner: 0,
    lies: 0,
    nameless: false,
    name: undefined,
    handles: undefined,
    inboundSizeBytes: 260,
    port: 623,
    options: [],
  };
  double.answer(getPayloadActivationStatus, () => ({ code: 0, data: Uint8Array.of(1, sol.owner === 0 ? 0 : 1, 0) }));
  double.answer(getPayloadInstanceInfo, () => {
    if (sol.nameless) return { code: 0xc1 };
    const sessionId = sol.owner === 0x100 ? (sol.name ?? sol.owner) : sol.owner;
    return { code: 0, data: encode(getPayloadInstanceInfo.reply, { sessionId, information: Uint8Array.of(1) }) };
  });
  double.answer(getSessionInfo, (data) => {
    if (sol.handles === undefined) return { code: 0xc1 };
    const handle = data[0] === 0 ? 1 : (sol.handles.get(Buffer.from(data).readUInt32LE(1)) ?? 0);
    return { code: 0, data: Uint8Array.of(handle, 4, 2) };
  });
  double.answer(closeSession, () => {
    sol.owner = 0;
    return { code: 0 };
  });
  double.answer(activatePayload, (data) => {
    sol.options.push(data[2] ?? 0);
    if (sol.owner !== 0) return { code: 0x80 };
    sol.owner = double.lastSessionId;
    const { inboundSizeBytes, port } = sol;
    const sizes = { auxiliary: new Uint8Array(4), inboundSizeBytes, outboundSizeBytes: 260, port, vlan: 0xffff };
    return { code: 0, data: encode(activatePayload.reply, sizes) };
  });
  double.answer(deactivatePayload, () => {
    const code = sol.owner === 0 ? 0x80 : 0;
    if (sol.lies > 0) sol.lies -= 1;
    else sol.owner = 0;
    return { code };
  });
  return sol;
}

function sol(name: string, body: (t: Tap, sol: SolModel, bench: Bench) => Promise<void>, settings: BenchSettings = {}): void {
  t.test(name, (t) => withBench(t, settings, (bench) => body(t, withSol(bench.double), bench)));
}
type Tap = Parameters<typeof withBench>[0];

/** What a stream told, and how it ended. */
function watch(stream: SolStream): { readonly seen: SolEvent[]; error: unknown } {
  const watched: { seen: SolEvent[]; error: unknown } = { seen: [], error: undefined };
  stream
    .read((event) => watched.seen.push(event))
    .catch((error: unknown) => {
      watched.error = error;
    });
  return watched;
}

sol(
  "a BMC that buries an old session takes the new SOL with it: noticed at 2, 10, 30 and 60 s, long before a keepalive",
  async (t, sol, { clock, bmc }) => {
    for (const [dies, noticed] of [
      [1_500, 2_000],
      [9_000, 10_000],
      [59_500, 60_000],
    ] as const) {
      const stream = await bmc.openSol();
      const watched = watch(stream);
      await clock.advance(dies);
      sol.owner = 0;
      await clock.advance(noticed - dies - 1);
      if (dies < 20_000) t.same(watched.seen, [], "not yet");
      await clock.advance(1);
      t.match(
        watched.seen,
        [{ kind: "loss", cause: "line-down", detail: /SOL is no longer active, and the BMC did not say so/ }],
        `${dies}`,
      );
      t.match(watched.error, { code: "unreachable" });
      await stream.close();
    }
  },
);

sol("afterwards every keepalive looks, and an old SOL is not asked for more often", async (t, sol, { double, clock, bmc }) => {
  const stream = await bmc.openSol();
  await clock.advance(70_000);
  const asked = double.count(getPayloadInstanceInfo.name);
  await clock.advance(300_000);
  const rate = double.count(getPayloadInstanceInfo.name) - asked;
  t.ok(rate >= 10 && rate <= 15, `${rate} in 300 s`);
  sol.owner = 0x177;
  const watched = watch(stream);
  await clock.advance(31_000);
  t.match(watched.seen, [{ kind: "loss", cause: "stolen", detail: /session 0x177 has taken SOL/ }]);
  await stream.close();
  t.equal(sol.owner, 0x177, "the thief keeps it");
});

sol("a BMC that names no owner is asked whether SOL is active at all", async (t, sol, { clock, bmc }) => {
  sol.nameless = true;
  const stream = await bmc.openSol();
  const watched = watch(stream);
  await clock.advance(5_000);
  sol.owner = 0;
  await clock.advance(5_000);
  t.match(watched.seen, [{ kind: "loss", cause: "line-down" }]);
  await stream.close();
});

sol(
  "a theft between the activation and the first look is seen: the BMC knows of a session by that name, and it is not ours",
  async (t, sol, { double, bmc }) => {
    sol.name = 0x177;
    sol.handles = new Map([[0x177, 2]]);
    const stream = await bmc.openSol();
    sol.name = undefined;
    sol.owner = 0x177;
    const watched = watch(stream);
    t.match(watched.seen, [{ kind: "loss", cause: "stolen", detail: /session 0x177 has taken SOL/ }]);
    await stream.close();
    t.equal(double.count(deactivatePayload.name), 0, "the thief keeps it");
    t.equal(sol.owner, 0x177);
  },
);

for (const { how, handles, prints } of [
  { how: "and knows the session by it", handles: new Map([[0xf00d, 1]]), prints: false },
  { how: "and knows no session by it", handles: new Map<number, number>(), prints: false },
  { how: "and tells nothing of sessions", handles: undefined, prints: false },
  { how: "and tells nothing of sessions, while the machine prints", handles: undefined, prints: true },
]) {
  sol(
    `a BMC that names us in its own way ${how} keeps its console, and a theft is seen all the same`,
    async (t, sol, { double, clock, bmc }) => {
      sol.name = 0xf00d;
      sol.handles = handles;
      const stream = await bmc.openSol();
      const watched = watch(stream);
      if (prints) {
        await clock.advance(1);
        double.sendSol({ sequence: 1, acknowledged: 0, accepted: 0, flags: 0, data: Buffer.from("x") });
        await clock.advance(0);
        t.match(watched.seen.splice(0), [{ kind: "bytes" }]);
      }
      await clock.advance(100_000);
      t.same(watched.seen, []);
      const asked = double.count(getSessionInfo.name);
      await clock.advance(100_000);
      const asksOn = double.count(getSessionInfo.name) > asked;
      t.equal(asksOn, !prints && handles?.get(0xf00d) !== 1, "asked for only until it is proved");
      sol.owner = 0x177;
      await clock.advance(31_000);
      t.match(watched.seen, [{ kind: "loss", cause: "stolen", detail: /session 0x177 has taken SOL/ }]);
      await stream.close();
    },
  );
}

sol("a BMC that gets our name right only later is no thief", async (t, sol, { clock, bmc }) => {
  sol.name = 0xf00d;
  const stream = await bmc.openSol();
  const watched = watch(stream);
  sol.name = undefined;
  await clock.advance(40_000);
  t.same(watched.seen, []);
  sol.owner = 0x177;
  await clock.advance(31_000);
  t.match(watched.seen, [{ kind: "loss", cause: "stolen" }]);
  await stream.close();
});

sol("a SOL the BMC does not take back from our own session is got by another session", async (t, sol, { double, clock, bmc }) => {
  const first = await bmc.openSol();
  sol.lies = Number.POSITIVE_INFINITY;
  await first.close();
  t.equal(sol.owner, 0x100, "answered, and not done");
  const again = await advanceUntil(clock, bmc.openSol());
  t.equal(double.count(closeSession.name), 1);
  t.equal(sol.owner, 0x101);
  t.equal(double.openSessions, 1);
  await again.close();
  double.answer(closeSession, () => ({ code: 0 }));
  await t.rejects(advanceUntil(clock, bmc.openSol()), { code: "failed", message: /SOL stays active elsewhere after 3 deactivations/ });
  t.equal(double.count(closeSession.name), 2, "one other session is tried, and no more");
});

sol("an opening that is given up leaves no SOL behind, and the next opening waits for that", async (t, sol, { double, clock, bmc }) => {
  await bmc.deviceId();
  const abort = new AbortController();
  const status = double.count(activatePayload.name);
  const opening = bmc.openSol({ signal: abort.signal });
  opening.catch(() => undefined);
  while (double.count(activatePayload.name) === status) await Promise.resolve();
  abort.abort();
  await t.rejects(opening, { code: "cancelled" });
  const again = await bmc.openSol();
  const watched = watch(again);
  await clock.advance(70_000);
  t.same(watched.seen, []);
  await again.close();
  t.equal(sol.owner, 0);
  const second = new AbortController();
  const given = bmc.openSol({ signal: second.signal });
  while (double.count(activatePayload.name) < 3) await Promise.resolve();
  second.abort();
  await t.rejects(given, { code: "cancelled" });
  await clock.advance(0);
  t.equal(sol.owner, 0, "though nobody opens it again");
});

sol("a console that is opened while its BMC is closed ends", async (t, _sol, { double, clock, bmc }) => {
  await bmc.deviceId();
  double.drop(getPayloadInstanceInfo.name, 1);
  const opening = bmc.openSol();
  await clock.advance(0);
  t.equal(double.count(getPayloadInstanceInfo.name), 1, "activated, and not yet looked at");
  await advanceUntil(clock, bmc.close());
  const stream = await opening;
  const watched = watch(stream);
  await t.rejects(stream.write(Buffer.from("x")), { code: "unreachable", message: /the SOL line is closed/ });
  t.same(watched, { seen: [], error: undefined });
});

sol("a deactivation that was answered and not done is repeated, with pauses, and not for ever", async (t, sol, { double, clock, bmc }) => {
  sol.owner = 0x177;
  sol.lies = 2;
  const stream = await advanceUntil(clock, bmc.openSol({ steal: true }));
  t.equal(double.count(deactivatePayload.name), 3);
  sol.lies = 1;
  await stream.close();
  t.equal(sol.owner, 0, "closing looks whether it was done");
  sol.owner = 0x177;
  sol.lies = Number.POSITIVE_INFINITY;
  const before = double.count(deactivatePayload.name);
  await t.rejects(advanceUntil(clock, bmc.openSol({ steal: true })), {
    code: "failed",
    message: /SOL stays active elsewhere after 3 deactivations/,
  });
  t.equal(double.count(deactivatePayload.name) - before, 4);
});

sol('"already deactivated" of a SOL that stays active ends as the same failure', async (t, sol, { double, clock, bmc }) => {
  sol.owner = 0x177;
  double.answer(deactivatePayload, () => ({ code: 0x80 }));
  await t.rejects(advanceUntil(clock, bmc.openSol({ steal: true })), { code: "failed" });
  sol.owner = 0;
});

sol("a size and a port that cannot be are worked around and told", async (t, sol, { bmc }) => {
  sol.inboundSizeBytes = 16384;
  sol.port = 0x6f02;
  const stream = await bmc.openSol();
  t.match(bmc.learned(), [
    { name: "solpayloadsize", symptom: "Activate Payload told a size of 16384 bytes" },
    { name: "solport", symptom: "Activate Payload told the session's port 623 with its bytes swapped" },
  ]);
  await stream.close();
});

for (const [quirks, options] of [
  [[], 0xc0],
  [["serialalertsdeferred"], 0xc4],
  [["ctsasserted"], 0xc2],
  [["auxplain"], 0x08],
] as const) {
  sol(
    `the first auxiliary byte with ${quirks.join(", ") || "no quirk"}`,
    async (t, sol, { bmc }) => {
      const stream = await bmc.openSol();
      t.same(sol.options, [options]);
      await stream.close();
    },
    { options: { quirks } },
  );
}

sol(
  "where the inventory allows it a silent console is asked by a NUL, and opened again when it is deaf",
  async (t, _sol, { double, clock, bmc }) => {
    const stream = await bmc.openSol();
    const watched = watch(stream);
    await clock.advance(31_000);
    t.equal(toHex(double.solSeen[0]?.data ?? new Uint8Array(0)), "00");
    const { sequence } = double.solSeen[0] ?? { sequence: 0 };
    double.sendSol({ sequence: 0, acknowledged: sequence, accepted: 1, flags: 0, data: new Uint8Array(0) });
    await clock.advance(0);
    t.same(watched.seen, []);
    await clock.advance(120_000);
    t.match(watched.seen, [{ kind: "loss", cause: "line-down", detail: /the BMC stopped acknowledging what is typed/ }]);
    await stream.close();
  },
  { options: { quirks: ["solkeepalivenul"] } },
);

sol(
  "a board that comes unstuck by a new number gets one after the second copy",
  async (t, _sol, { double, clock, bmc }) => {
    const stream = await bmc.openSol();
    void stream.write(Buffer.from("x")).catch(() => undefined);
    await clock.advance(5_000);
    t.same(
      double.solSeen.slice(0, 4).map(({ sequence }) => sequence),
      [1, 1, 2, 2],
    );
    await stream.close();
  },
  { options: { quirks: ["solpacketseq"] } },
);
