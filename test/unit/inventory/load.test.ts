import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { loadLab, parseLab } from "../../../inventory/load.js";
import { formatProblems } from "../../../inventory/problem.js";

const root = join(import.meta.dirname, "../../../..");
const rack1 = readFileSync(join(root, "inventory/examples/rack1.yaml"), "utf8");

function problemsOf(text: string): string[] {
  const result = parseLab(text, "lab.yaml");
  if (!("problems" in result)) throw new Error("expected problems");
  return formatProblems("lab.yaml", result.problems)
    .split("\n")
    .map((line) => line.replace(/ {2,}/g, " "));
}

t.test("the example inventory loads with its defaults applied", async (t) => {
  const lab = loadLab(join(root, "inventory/examples/rack1.yaml"));
  t.same(
    lab.nodes.map((node) => node.name),
    ["p0", "m0", "s0", "x0", "potato0"],
  );
  const [p0] = lab.nodes;
  t.match(p0, {
    arch: "x86_64",
    bmc: { address: "10.0.1.10", port: 623, user: "admin", password: { env: "LAB_BMC_PASSWORD" }, privilege: "operator", via: "rack1" },
    console: { kind: "sol", line: "ttyS1", baudRate: 115200, via: "rack1" },
  });
  const potato = lab.nodes[4];
  t.equal(potato?.bmc, undefined);
  t.match(potato?.console, { kind: "tcp", target: "10.0.2.5:2007", line: "ttyAMA0" });
  t.same(lab.deployments[0]?.roles, { processor: ["p0"], memory: ["m0"], storage: ["s0"] });
  t.equal(lab.deployments[0]?.parameters["memmap"], "2G$4G");
});

t.test("all problems are reported at once, each at its place and with a way out", async (t) => {
  const broken = rack1
    .replace("bmc: { address: 10.0.1.10 }", "bmc: { adress: 10.0.1.10 }")
    .replace("s0: { address: 10.0.0.12", "s0: { address: 10.0.0.11")
    .replace("storage: s0", "storage: s1")
    .replace("recipe: lego", "recipes: lego");
  t.same(problemsOf(broken), [
    'lab.yaml:9:36 nodes.p0.bmc.adress: unknown key; did you mean "address"?',
    "lab.yaml:11:18 nodes.s0.address: 10.0.0.11 is m0's address already (line 10)",
    'lab.yaml:21:5 deployments.lego-1p1m1s.recipes: unknown key; did you mean "recipe"?',
    'lab.yaml:22:50 deployments.lego-1p1m1s.roles.storage: role storage is bound to s1, which is not a node (did you mean "s0"?); nodes: p0 m0 s0 x0 potato0',
  ]);
});

t.test("a node bound to two roles, a BMC address used twice and a missing site agent are found", async (t) => {
  t.match(problemsOf(rack1.replace("memory: m0,", "memory: p0,")), [/roles\.memory: p0 is bound twice: to processor and to memory/]);
  t.match(problemsOf(rack1.replace("10.0.1.12", "10.0.1.10")), [
    /^lab\.yaml:11:\d+ nodes\.s0\.bmc\.address: 10\.0\.1\.10 is the BMC of p0's address already \(line 9\)$/,
  ]);
  t.match(problemsOf(rack1.replace("115200, via: rack1", "115200, via: rakc1")), [
    /defaults\.console\.via: "rakc1" is not an agent; did you mean "rack1"\?/,
  ]);
  t.match(problemsOf(rack1.replace("{ site: true }", "{}"))[0], /agent rack1 has no site duty; add site: true/);
});

t.test("a secret written into the file is refused without being shown", async (t) => {
  const problems = problemsOf(rack1.replace("password: { env: LAB_BMC_PASSWORD }", "password: hunter2"));
  t.match(problems, [/^lab\.yaml:6:33 defaults\.bmc\.password: a secret is never written into an inventory; write \{ env: NAME \}/]);
  t.notMatch(problems.join(), "hunter2");
});

t.test("an address that is none, a wrong suite and a YAML slip are told in words", async (t) => {
  t.match(problemsOf(rack1.replace("address: 10.0.0.20", "address: 10.0.0.300")), [
    /"10\.0\.0\.300" is not an IPv4 address: 300 is not a number from 0 to 255/,
  ]);
  t.match(problemsOf(rack1.replace("{ user: admin,", "{ user: admin, cipher_suites: [0],")), [
    /defaults\.bmc\.cipher_suites\.0: labd speaks suites/,
  ]);
  t.match(problemsOf(`${rack1}\nnodes: {}\n`), [/^lab\.yaml:\d+:1 : Map keys must be unique/]);
  t.match(problemsOf("lab: x\n"), [/nodes: is missing \(a mapping\)/]);
  t.match(problemsOf(""), [/^lab\.yaml:1:1 : /]);
});

t.test("aliases and merge keys that cannot be followed are told like every other problem", async (t) => {
  t.same(problemsOf("lab: x\nnodes:\n  p0: *nope\n"), ["lab.yaml:3:7 : *nope stands for nothing: there is no &nope before it"]);
  t.same(problemsOf("lab: x\nnodes: &n\n  p0: { sim: *n }\n"), ["lab.yaml:3:14 : *n stands for something it is a part of"]);
  const levels = Array.from("abcdef").map(
    (name, i) =>
      `${name}: &${name} [${Array(10)
        .fill(i === 0 ? 1 : `*${"abcdef"[i - 1]}`)
        .join(", ")}]`,
  );
  t.match(problemsOf(`lab: x\n${levels.join("\n")}\nnodes: {}\n`), [
    /^lab\.yaml:1:1 : aliases or merge keys cannot be followed: Excessive alias/,
  ]);
  t.match(problemsOf("lab: x\nnodes:\n  p1: { <<: 5 }\n"), [/^lab\.yaml:1:1 : aliases or merge keys cannot be followed: Merge sources/]);
});

t.test("a slip in a role's range is one problem, not one per name", async (t) => {
  const bound = (nodes: string) =>
    `lab: x\nnodes: { p0: {} }\ndeployments:\n  constructor: { recipe: lego, roles: { memory: "${nodes}" } }\n`;
  t.match(problemsOf(bound("p[0-90000]")), [/memory: role memory is bound to p\[1-90000\], which are not nodes; nodes: p0$/]);
  t.match(problemsOf(bound("p[0-")), [/memory: "p\[0-": \[ without \]$/]);
});

t.test("2,000 nodes load, every one", async (t) => {
  const lines = Array.from(
    { length: 2000 },
    (_, i) => `  n${i}: { address: 10.1.${i >> 8}.${i & 255}, bmc: { address: 10.2.${i >> 8}.${i & 255} } }`,
  );
  const text = rack1.replace(/nodes:\n[^]*?deployments:[^]*/, `nodes:\n${lines.join("\n")}\n`);
  const result = parseLab(text, "lab.yaml");
  t.equal("lab" in result && result.lab.nodes.length, 2000);
});

t.test("a node reached by ssh needs an address and somebody who can connect, and has no agent of its own", async (t) => {
  const lab = (nodes: string) => `lab: x\nagents: { rack1: { site: true } }\nnodes:\n${nodes}`;
  t.same(problemsOf(lab("  x0: {}\n  b0: { ssh: { via: x0 } }\n  b1: { address: b1, agent: true, ssh: { via: b1 } }\n")), [
    "lab.yaml:5:9 nodes.b0.ssh: ssh needs an address; give it here or to b0 itself",
    "lab.yaml:6:29 nodes.b1.agent: b1 is reached by ssh, so no agent runs on it; keep agent: true or ssh:",
    "lab.yaml:6:47 nodes.b1.ssh.via: b1 cannot be reached by ssh from itself; name a node with an agent, or an agent",
  ]);
  const boards =
    "  x0: { agent: false }\n  b0: { address: b0, ssh: { via: x0 } }\n  b1: { address: b1, ssh: { via: b0 } }\n  b2: { address: b2, ssh: { via: rack } }\n";
  t.same(problemsOf(lab(boards)), [
    "lab.yaml:5:34 nodes.b0.ssh.via: no agent runs on x0 (agent: false); name a node with an agent, or an agent",
    "lab.yaml:6:34 nodes.b1.ssh.via: b0 is reached by ssh itself; name the node or agent it all begins from",
    'lab.yaml:7:34 nodes.b2.ssh.via: "rack" is neither a node nor an agent; did you mean "rack1"?',
  ]);
  const good = parseLab(
    lab("  x0: {}\n  b0: { address: 10.0.0.7, ssh: { via: x0, user: me } }\n  b1: { ssh: { via: rack1, address: b1, port: 2222 } }\n"),
    "lab.yaml",
  );
  if (!("lab" in good)) throw new Error("expected a lab");
  t.match(good.lab.nodes.slice(1), [
    { agent: false, ssh: { address: "10.0.0.7", port: 22, user: "me", via: "x0" } },
    { agent: false, ssh: { address: "b1", port: 2222, user: "root", via: "rack1" } },
  ]);
});
