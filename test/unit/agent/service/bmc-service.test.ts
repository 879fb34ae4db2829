/** BmcService as an agent serves it: messages ⇄ the Management port. */
import t from "tap";
import type { BootOverride, Management } from "../../../../agent/ports/management.js";
import { bmcService } from "../../../../agent/service/bmc-service.js";
import { ConflictError, UnsupportedError } from "../../../../proto/base/errors.js";

const report = {
  address: "10.0.1.10",
  manufacturer: "674 (Dell)",
  product: "0100",
  firmware: "2.41",
  ipmiVersion: "2.0",
  guid: "",
  suites: [{ id: 17, advertised: true, works: true, detail: "" }],
  users: [],
  sol: undefined,
  quirks: [{ name: "solpayloadsize", symptom: "sizes" }],
  problems: ["one"],
  roundTripMs: 3,
  packets: 40,
} as const;

function bench() {
  const done: string[] = [];
  let boot: BootOverride = { device: "none", persistent: false, efi: false };
  const management: Management = {
    probe: async () => report,
    identify: async (how) => void done.push(`identify ${how}`),
    eventLog: async (limit) => ({
      count: 7,
      overflow: false,
      entries: [{ id: 7, timeMs: 1000, sensor: `limit ${limit}`, event: "e", deasserted: true, record: Uint8Array.of(7, 0) }],
    }),
    sensors: async () => [{ name: "PS1", kind: "power supply", value: undefined, unit: "", status: "ok" }],
    interrupt: async () => void done.push("interrupt"),
    bootOverride: async () => boot,
    setBootOverride: async (wanted) => {
      done.push(`boot ${wanted.device}`);
      boot = wanted;
      return boot;
    },
  };
  const service = bmcService(
    (node) => {
      if (node === "plug") throw new UnsupportedError("plug: can switch power and nothing else");
      return { management, hold: node === "scope" ? "on the oscilloscope" : "" };
    },
    async (node, fence) => {
      if (fence?.epoch !== 5n) throw new ConflictError(`${node}: stale`);
    },
  );
  return { service, done, call: { signal: new AbortController().signal, peer: undefined } };
}
const fence = { leaseId: "l", epoch: 5n };

t.test("what a BMC tells is passed on as it is", async (t) => {
  const { service, call } = bench();
  t.same(await service.probeBmc({ node: "p0" }, call), { ...report, stanza: "" });
  t.same(await service.readSensors({ node: "p0" }, call), {
    sensors: [{ name: "PS1", kind: "power supply", value: undefined, unit: "", status: "ok" }],
  });
  const entry = { id: 7, timeMs: 1000n, sensor: "limit 100", event: "e", deasserted: true, record: Buffer.of(7, 0) };
  t.same(await service.readEventLog({ node: "p0", limit: 0 }, call), { count: 7, overflow: false, entries: [entry] });
  t.match(await service.readEventLog({ node: "p0", limit: 9 }, call), { entries: [{ sensor: "limit 9" }] });
});

t.test("the light is lit for a time, for ever, or not", async (t) => {
  const { service, done, call } = bench();
  await service.identify({ node: "p0", seconds: 30, forever: false }, call);
  await service.identify({ node: "p0", seconds: 0, forever: false }, call);
  await service.identify({ node: "p0", seconds: 0, forever: true }, call);
  await t.rejects(service.identify({ node: "p0", seconds: 3, forever: true }, call), { code: "invalid-argument" });
  t.same(done, ["identify 30", "identify off", "identify forever"]);
});

t.test("what disturbs the machine needs a fence that holds; looking does not", async (t) => {
  const { service, done, call } = bench();
  const boot = { device: "pxe", persistent: false, efi: true };
  for (const stale of [undefined, { ...fence, epoch: 4n }]) {
    await t.rejects(service.interrupt({ node: "p0", fence: stale }, call), { code: "conflict" });
    await t.rejects(service.setBootOverride({ node: "p0", boot, fence: stale }, call), { code: "conflict" });
  }
  t.same(done, []);
  await service.interrupt({ node: "p0", fence }, call);
  t.same(await service.setBootOverride({ node: "p0", boot, fence }, call), boot);
  t.same(await service.getBootOverride({ node: "p0" }, call), boot);
  t.same(done, ["interrupt", "boot pxe"]);
  await t.rejects(service.setBootOverride({ node: "p0", boot: undefined, fence }, call), { code: "invalid-argument" });
});

t.test("a node whose power is no BMC says so, before its fence is looked at", async (t) => {
  const { service, call } = bench();
  await t.rejects(service.probeBmc({ node: "plug" }, call), { code: "unsupported" });
  await t.rejects(service.interrupt({ node: "plug", fence: undefined }, call), { code: "unsupported" });
});

t.test("a machine whose power is held back is not interrupted", async (t) => {
  const { service, done, call } = bench();
  await t.rejects(service.interrupt({ node: "scope", fence }, call), { code: "permission", message: /held back: on the oscilloscope/ });
  t.same(done, []);
});
