/** A probe held against the inventory, and the entry that keeps what it found. */
import t from "tap";
import { parse } from "yaml";
import { againstInventory, bmcStanza } from "../../../../controller/api/bmc-findings.js";
import type { NodeSpec } from "../../../../inventory/model.js";
import { fakeReport } from "../../../support/agent/fake-bmc.js";
import { labOf } from "../../../support/agent/agent-lab.js";

const head = `
lab: test
agents: { rack1: { site: true }, rack2: { site: true } }
defaults:
  bmc: { user: admin, password: { env: LABD_TEST_BMC_PASSWORD }, port: 1623, privilege: administrator, via: rack1 }
  console: { sol: {}, line: ttyS1, baud: 115200, via: rack1 }
`;

function node(text: string, name = "p0"): NodeSpec {
  const spec = labOf(`${head}nodes:\n${text}`).nodes.find((each) => each.name === name);
  if (spec === undefined) throw new Error(`no ${name}`);
  return spec;
}

t.test("the entry is YAML to paste under nodes:, and reads back as the node's bmc with what was found", async (t) => {
  const before = node(
    "  p0: { bmc: { address: 10.0.1.10, kg: { file: /etc/labd/kg }, port: 623, privilege: operator, quirks: [solstatus] } }",
  );
  const stanza = bmcStanza(before, fakeReport);
  t.equal(
    stanza,
    [
      "  p0:",
      "    bmc:",
      "      address: 10.0.1.10",
      "      port: 623",
      "      user: admin",
      "      password: { env: LABD_TEST_BMC_PASSWORD }",
      "      kg: { file: /etc/labd/kg }",
      "      privilege: operator",
      "      cipher_suites: [ 17, 3 ]",
      "      quirks: [ solstatus, solpayloadsize ]",
      "      via: rack1",
    ].join("\n"),
  );
  const after = node(stanza);
  t.same(after.bmc, { ...before.bmc, cipherSuites: [17, 3], quirks: ["solstatus", "solpayloadsize"] });
});

t.test("names that YAML could take for something else come back as they were", async (t) => {
  const before = node('  "no": { bmc: { address: "fe80::1", user: "0x10", password: { env: "NULL" }, via: rack2 } }', "no");
  const stanza = bmcStanza(before, { ...fakeReport, suites: [], quirks: [] });
  t.match(node(stanza, "no").bmc, {
    address: "fe80::1",
    user: "0x10",
    password: { env: "NULL" },
    via: "rack2",
    port: 1623,
    cipherSuites: [],
  });
  t.same(Object.keys(parse(stanza) as object), ["no"]);
});

t.test("a workaround this controller does not know is left out: the entry must load", async (t) => {
  const stanza = bmcStanza(node("  p0: { bmc: { address: 10.0.1.10 } }"), {
    ...fakeReport,
    quirks: [{ name: "fromthefuture", symptom: "" }],
  });
  t.notMatch(stanza, /quirks|fromthefuture/);
});

t.test("a node without a bmc section has no entry", async (t) => {
  t.equal(bmcStanza(node("  p0: { power: { manual: here, via: rack1 } }"), fakeReport), "");
});

t.test("a SOL that runs at another speed than the inventory's console is a problem with two ways out", async (t) => {
  const spec = node("  p0: { bmc: { address: 10.0.1.10 } }");
  t.same(againstInventory(spec, fakeReport), [
    "SOL runs at 19200 and the inventory says 115200; set it: ipmitool sol set volatile-bit-rate 115.2 1 (and non-volatile-bit-rate), " +
      "or change the console's baud",
  ]);
  const sol = { ...fakeReport.sol, baudRate: 115200 } as NonNullable<typeof fakeReport.sol>;
  t.same(againstInventory(spec, { ...fakeReport, sol }), []);
  t.same(againstInventory(spec, { ...fakeReport, sol: { ...sol, baudRate: 0 } }), []);
  t.same(againstInventory(spec, { ...fakeReport, sol: undefined }), []);
  t.same(againstInventory(node("  p0: { bmc: { address: 10.0.1.10 }, console: { tcp: 'ser:2001', via: rack1 } }"), fakeReport), []);
});
