/** BmcService for people: a whole controller, a fake site agent behind it. */
import t from "tap";
import { BmcServiceService } from "../../../../proto/gen/lab/v1/bmc.js";
import { startTestController } from "../../../support/agent/test-controller.js";

const boot = { device: "pxe", persistent: false, efi: false };

t.test("a probe comes with what the inventory has to say to it", async (t) => {
  const lab = await startTestController(t);
  await lab.agent("rack1");
  const report = await lab.clientFor(BmcServiceService).probeBmc({ node: "p0" });
  t.match(report, { manufacturer: "674 (Dell)", packets: 74 });
  t.match(report.problems, [/clock is not set/, /SOL runs at 19200 and the inventory says 115200/]);
  t.match(report.stanza, /^ {2}p0:\n {4}bmc:\n {6}address: 10.0.1.10\n/);
});

t.test("looking and lighting need no lease; an interrupt and a boot override do", async (t) => {
  const lab = await startTestController(t);
  const rack1 = await lab.agent("rack1");
  const bmc = lab.clientFor(BmcServiceService);
  await lab.leases.acquire({ nodes: ["p0"], owner: "ci", reason: "nightly", ttlMs: 60_000 });
  await bmc.identify({ node: "p0", seconds: 30, forever: false });
  t.match(await bmc.readEventLog({ node: "p0", limit: 2 }), { count: 3, entries: [{ id: 2 }, { id: 3 }] });
  t.equal((await bmc.readSensors({ node: "p0" })).sensors.length, 4);
  t.same(await bmc.getBootOverride({ node: "p0" }), { device: "none", persistent: false, efi: false });
  const held = { name: "ConflictError", message: /held by ci \(nightly\)/ };
  await t.rejects(bmc.interrupt({ node: "p0", fence: undefined }), held);
  await t.rejects(bmc.setBootOverride({ node: "p0", boot, fence: undefined }), held);
  t.same(rack1.acts, ["identify p0 30"]);
  await bmc.interrupt({ node: "m0", fence: undefined });
  t.same(await bmc.setBootOverride({ node: "m0", boot, fence: undefined }), boot);
  t.same(rack1.acts.slice(1), ["interrupt m0", "boot m0 pxe"], "each once, with a fence");
  t.equal((await lab.leases.list()).length, 1, "what was taken for an act is given back");
});

t.test("a node that nothing switches has no BMC to ask", async (t) => {
  const lab = await startTestController(t);
  await t.rejects(lab.clientFor(BmcServiceService).probeBmc({ node: "board" }), { name: "UnsupportedError" });
  await t.rejects(lab.clientFor(BmcServiceService).probeBmc({ node: "p9" }), { name: "NotFoundError", message: /did you mean/ });
});
