import t from "tap";
import { siteAssignment } from "../../../../controller/agents/site-assignment.js";
import { parseLab } from "../../../../inventory/load.js";
import type { Lab } from "../../../../inventory/model.js";

function labWithKey(text: string): Lab {
  process.env["TEST_SITE_PASSWORD"] = "secret";
  process.env["TEST_SITE_KG"] = text;
  const result = parseLab(
    `lab: x
agents: { rack1: { site: true } }
nodes:
  p0: { bmc: { address: 10.0.1.1, user: admin, password: { env: TEST_SITE_PASSWORD }, kg: { env: TEST_SITE_KG } } }
`,
    "lab.yaml",
  );
  if ("lab" in result) return result.lab;
  throw new Error(JSON.stringify(result.problems));
}

t.teardown(() => {
  delete process.env["TEST_SITE_PASSWORD"];
  delete process.env["TEST_SITE_KG"];
});

const keyOf = (text: string) => siteAssignment(labWithKey(text), "rack1").nodes[0]?.bmc?.kg;

t.test("a BMC key may be text or hexadecimal digits, which can hold any byte", async (t) => {
  t.same(keyOf("abc"), Buffer.from("abc"));
  t.same(keyOf("0x6100ff"), Buffer.from([0x61, 0x00, 0xff]));
});

t.test("a BMC key that is neither is refused without being shown", async (t) => {
  t.throws(() => keyOf("0x61zz"), { code: "invalid-inventory", message: /^nodes\.p0\.bmc\.kg: after 0x, pairs of hexadecimal digits/ });
});

t.test("any agent is told the nodes it is to reach by ssh, and only those", async (t) => {
  const result = parseLab(
    `lab: x
agents: { rack1: { site: true } }
nodes:
  x0: {}
  board: { address: 10.0.0.7, ssh: { via: x0, user: me, host_key: "ssh-ed25519 AAAA" } }
`,
    "lab.yaml",
  );
  if (!("lab" in result)) throw new Error(JSON.stringify(result.problems));
  t.match(siteAssignment(result.lab, "x0").nodes, [
    { node: "board", ssh: { address: "10.0.0.7", port: 22, user: "me", identity: "", hostKey: "ssh-ed25519 AAAA" } },
  ]);
  t.same(siteAssignment(result.lab, "rack1").nodes, []);
});
