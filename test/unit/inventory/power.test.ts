/** What an inventory says about power: means, what protects a machine, what machines share. */
import t from "tap";
import { parseLab } from "../../../inventory/load.js";
import type { Lab } from "../../../inventory/model.js";
import { formatProblems } from "../../../inventory/problem.js";

const head = `lab: x
agents: { rack1: { site: true }, rack2: { site: true } }
defaults:
  bmc: { user: admin, password: { env: P }, via: rack1 }
  power: { min_off: 10, cycles_per_hour: 12 }
power_groups:
  pdu1: { at_once: 2, stagger: 1.5 }
  pdu2: {}
nodes:
`;

function problemsOf(nodes: string, text = head): string[] {
  const result = parseLab(text + nodes, "lab.yaml");
  if (!("problems" in result)) throw new Error("expected problems");
  return formatProblems("lab.yaml", result.problems)
    .split("\n")
    .map((line) => line.replace(/ {2,}/g, " "));
}

function labOf(nodes: string): Lab {
  const result = parseLab(head + nodes, "lab.yaml");
  if ("problems" in result) throw new Error(formatProblems("lab.yaml", result.problems));
  return result.lab;
}

t.test("what protects a machine's power comes from its entry, then from the defaults", async (t) => {
  const lab = labOf(`  p0: { bmc: { address: 10.0.1.1 }, power: { group: pdu1, min_off: 30, hold: firmware is being written } }
  p1: { bmc: { address: 10.0.1.2 } }
`);
  t.same(
    lab.nodes.map(({ safety }) => safety),
    [
      { group: "pdu1", minOffS: 30, cyclesPerHour: 12, hold: "firmware is being written" },
      { group: "", minOffS: 10, cyclesPerHour: 12, hold: "" },
    ],
  );
  t.same(
    lab.nodes.map(({ power }) => power),
    [undefined, undefined],
    "who only protects says no other way to switch",
  );
  t.same(lab.powerGroups, [
    { name: "pdu1", atOnce: 2, staggerS: 1.5 },
    { name: "pdu2", atOnce: 0, staggerS: 0 },
  ]);
});

t.test("every way to switch a machine comes with its defaults", async (t) => {
  const lab = labOf(`  a: { power: { command: [plug, "7"], via: rack1 } }
  b: { bmc: { address: 10.0.1.1 }, power: { redfish: {} } }
  c: { power: { redfish: { url: "https://10.0.1.2", user: u, password: { env: Q }, fingerprint: "${"AB:".repeat(31)}AB" }, via: rack2 } }
  d: { power: { libvirt: {}, via: rack1 } }
  e: { power: { agent: true } }
  f: { power: { manual: "rack 3, top outlet", via: rack2 } }
`);
  t.match(
    lab.nodes.map(({ power }) => power),
    [
      { kind: "command", argv: ["plug", "7"], via: "rack1" },
      { kind: "redfish", url: "https://10.0.1.1", user: "admin", password: { env: "P" }, system: "", fingerprint: "", via: "rack1" },
      { kind: "redfish", url: "https://10.0.1.2", user: "u", password: { env: "Q" }, fingerprint: "ab".repeat(32), via: "rack2" },
      { kind: "libvirt", uri: "qemu:///system", domain: "d", via: "rack1" },
      { kind: "agent", via: "e" },
      { kind: "manual", note: "rack 3, top outlet", via: "rack2" },
    ],
  );
});

t.test("groups that do not exist, and groups in two hands, are told at once, each at its place", async (t) => {
  t.same(
    problemsOf(`  p0: { bmc: { address: 10.0.1.1 }, power: { group: pdu1 } }
  p1: { bmc: { address: 10.0.1.2 }, power: { group: pud1 } }
  p2: { bmc: { address: 10.0.1.3 }, power: { group: rack-west } }
  p3: { power: { libvirt: {}, group: pdu1, via: rack2 } }
  p4: { power: { agent: true, group: pdu2 } }
  p5: { power: { agent: true, group: pdu2 } }
`),
    [
      'lab.yaml:11:53 nodes.p1.power.group: "pud1" is not a power group; did you mean "pdu1"?',
      'lab.yaml:12:53 nodes.p2.power.group: "rack-west" is not a power group; power groups: pdu1 pdu2',
      "lab.yaml:13:38 nodes.p3.power.group: p3 is switched by agent rack2, p0 of the same group by rack1; a group is kept by one agent",
      "lab.yaml:15:38 nodes.p5.power.group: p5 is switched by agent p5, p4 of the same group by p4; a group is kept by one agent",
    ],
  );
});

t.test("a machine that nothing switches, or two things do, is told so", async (t) => {
  t.same(
    problemsOf(`  p0: { power: { hold: why } }
  p1: { bmc: { address: 10.0.1.2 }, power: { libvirt: {}, via: rack1 } }
  p2: { agent: false, power: { agent: true } }
  p3: { power: { redfish: { url: "http://10.0.1.9" }, via: rack1 } }
  p4: { power: { command: [plug], via: rack3 } }
`),
    [
      "lab.yaml:10:9 nodes.p0.power: says nothing that switches p0; add bmc: or one of command, redfish, libvirt, agent, manual",
      "lab.yaml:11:37 nodes.p1.power: p1 has a BMC already; keep bmc: or power: libvirt, one way to switch it",
      "lab.yaml:12:39 nodes.p2.power.agent: no agent runs on p2; give it ssh: { via: … } or another way",
      "lab.yaml:13:27 nodes.p3.power.redfish: needs a user; give it here or in the node's bmc",
      "lab.yaml:13:27 nodes.p3.power.redfish: needs a password; give it here or in the node's bmc",
      "lab.yaml:13:34 nodes.p3.power.redfish.url: would send the password in clear; use https (http only to this machine itself)",
      'lab.yaml:14:40 nodes.p4.power.via: "rack3" is not an agent; did you mean "rack1"?',
    ],
  );
});

t.test("limits out of their range and slips in keys are told with what was meant", async (t) => {
  const broken = head
    .replace("at_once: 2, stagger: 1.5", "at_once: 0, stager: 1")
    .replace("min_off: 10, cycles_per_hour: 12", "min_off: -1, group: pdu1");
  const nodes = `  p0: { bmc: { address: 10.0.1.1 }, power: { cycles_per_hour: 0, min_of: 3, hold: "" } }
  p1: { power: { command: [plug], manual: here } }
`;
  const problems = problemsOf(nodes, broken);
  const at = (path: string) => problems.filter((each) => each.includes(` ${path}: `));
  t.match(at("defaults.power.min_off"), [/^lab\.yaml:5:21 .*0/]);
  t.match(at("defaults.power.group"), [/unknown key/]);
  t.match(at("power_groups.pdu1.at_once"), [/1/]);
  t.match(at("power_groups.pdu1.stager"), [/unknown key; did you mean "stagger"\?/]);
  t.match(at("nodes.p0.power.cycles_per_hour"), [/1/]);
  t.match(at("nodes.p0.power.min_of"), [/unknown key; did you mean "min_off"\?/]);
  t.equal(at("nodes.p0.power.hold").length, 1);
  t.match(at("nodes.p1.power"), [/has more than one of command, redfish, libvirt, agent, manual/]);
  t.equal(problems.length, 8);
});
