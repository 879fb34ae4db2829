import { readFile, stat } from "node:fs/promises";
import t from "tap";
import type { Implementation } from "../../../proto/rpc/service.js";
import { type ConsoleEvent, ConsoleServiceService } from "../../../proto/gen/lab/v1/console.js";
import { DeploymentServiceService } from "../../../proto/gen/lab/v1/deployment.js";
import { EventServiceService } from "../../../proto/gen/lab/v1/event.js";
import { NodeServiceService } from "../../../proto/gen/lab/v1/node.js";
import { PowerServiceService } from "../../../proto/gen/lab/v1/power.js";
import { labYaml } from "../../support/agent/agent-lab.js";
import { startTestController } from "../../support/agent/test-controller.js";

t.test("a started controller says where it is and makes the local user an operator", async (t) => {
  const { controller, state, clientFor } = await startTestController(t);
  t.same(JSON.parse(await readFile(`${state}/endpoint.json`, "utf8")), { address: controller.address, caSha256: controller.caSha256 });
  for (const secret of ["ca/ca-key.pem", "operator/key.pem", "endpoint.json"]) t.equal((await stat(`${state}/${secret}`)).mode & 0o077, 0);
  const { lab, nodes } = await clientFor(NodeServiceService).listNodes({ nodeset: "", probePower: false });
  t.equal(lab, "test");
  t.same(
    nodes.map((node) => node.name),
    ["p0", "m0", "board"],
  );
});

t.test("lab nodes tells what is known: power, system, agent, console, lease", async (t) => {
  const lab = await startTestController(t);
  const [rack1] = [await lab.agent("rack1"), await lab.agent("p0")];
  rack1.power.set("p0", "on");
  rack1.console("p0").print("hello");
  await lab.controller.nodes.node("p0").facts();
  await lab.controller.nodes.node("p0").power.read();
  await lab.leases.acquire({ nodes: ["p0"], owner: "ci", reason: "nightly", ttlMs: 60_000 });
  const nodes = lab.clientFor(NodeServiceService);
  const seen = await nodes.listNodes({ nodeset: "p0,m0", probePower: false });
  t.match(seen.nodes, [
    {
      name: "p0",
      power: "on",
      runs: "Linux 3.10.0 up 3d",
      agentConnected: true,
      consoleKind: "sol",
      consoleState: "up",
      consoleBytes: 5n,
      leaseOwner: "ci",
      leaseReason: "nightly",
    },
    { name: "m0", power: "unknown", runs: "", agentConnected: false, consoleState: "down", leaseOwner: "" },
  ]);
  const probed = await nodes.listNodes({ nodeset: "m0,board", probePower: true });
  t.same(
    probed.nodes.map((node) => node.power),
    ["off", "unknown"],
  );
});

t.test("a controller that starts again is the same one: CA, operator and open tokens stay", async (t) => {
  const first = await startTestController(t);
  const { caSha256 } = first.controller;
  const key = await readFile(`${first.state}/operator/key.pem`, "utf8");
  await first.close();
  const second = await startTestController(t, { state: first.state });
  t.equal(second.controller.caSha256, caSha256);
  t.equal(await readFile(`${first.state}/operator/key.pem`, "utf8"), key);
});

t.test("a secret that cannot be read stops the start, all of them named", async (t) => {
  const yaml = labYaml.replace("LABD_TEST_BMC_PASSWORD", "LABD_TEST_NO_SUCH_VARIABLE");
  await t.rejects(startTestController(t, { yaml }), {
    name: "InvalidInventoryError",
    message: /nodes\.p0\.bmc\.password[^]*nodes\.m0\.bmc\.password/,
  });
});

t.test("agents may call nothing here, nobody even less", async (t) => {
  const lab = await startTestController(t);
  const agent = await lab.enroll("agent", "p0");
  await t.rejects(lab.clientFor(NodeServiceService, agent).listNodes({ nodeset: "", probePower: false }), { name: "PermissionError" });
  const colleague = await lab.enroll("operator", "grace");
  t.ok(await lab.clientFor(NodeServiceService, colleague).listNodes({ nodeset: "", probePower: false }));
});

t.test("watchers hear of agents, power and leases, of the nodes they asked for", async (t) => {
  const lab = await startTestController(t);
  await lab.agent("rack1");
  await lab.controller.nodes.node("p0").power.read();
  const stop = new AbortController();
  const heard: string[] = [];
  const watching = (async () => {
    for await (const { kind, node, text } of lab.clientFor(EventServiceService).watch({ nodeset: "p0" }, { signal: stop.signal })) {
      heard.push(`${kind} ${node} ${text}`);
      if (kind === "agent-connected") break;
    }
  })();
  const power = lab.clientFor(PowerServiceService);
  const on = (node: string) => power.setPower({ node, verb: "cycle", fence: undefined, key: "", deadlineMs: 1000, queueMs: 0 });
  // The watch has begun when its first event arrives.
  while (heard.length === 0) await on("p0");
  await on("m0");
  await lab.agent("p0");
  await watching;
  t.ok(heard.some((each) => each === "lease-granted p0 ada: power cycle"));
  t.ok(heard.some((each) => each.startsWith("power p0 power cycle: ")));
  t.equal(heard.at(-1), "agent-connected p0 agent p0 connected");
  t.notOk(heard.some((each) => each.includes(" m0 ")));
});

t.test("watchers hear what site agents tell of their consoles, also after one was away", async (t) => {
  const lab = await startTestController(t);
  const stop = new AbortController();
  const heard: string[] = [];
  const watching = (async () => {
    for await (const { kind, node } of lab.controller.events.watch({ signal: stop.signal })) {
      if (kind === "boot" || kind.startsWith("console-")) heard.push(`${kind} ${node}`);
      if (kind === "boot" && node === "m0") break;
    }
  })();
  const line = (node: string, state: string) => ({ node, notice: { $case: "line" as const, value: { state, reason: "" } } });
  const boot = (node: string) => ({
    node,
    notice: { $case: "boot" as const, value: { epoch: 1, offset: 0n, cause: "power", detail: "on", timeMs: 0n } },
  });
  const first = await lab.agent("rack1");
  for (const notice of [line("p0", "up"), line("m0", "up"), boot("p0")]) first.notices?.offer(notice);
  while (heard.length < 3) await lab.controller.nodes.node("p0").power.read();
  await first.stop();
  const second = await lab.agent("rack1");
  for (const notice of [line("p0", "up"), line("m0", "down"), boot("m0")]) second.notices?.offer(notice);
  await watching;
  t.same(heard, ["console-up p0", "console-up m0", "boot p0", "console-down m0", "boot m0"]);
});

t.test("who follows a console is told when its site agent goes away and when it is back, and misses no byte", async (t) => {
  const lab = await startTestController(t);
  const first = await lab.agent("rack1");
  const console = first.console("p0");
  console.print("one ");
  const stop = new AbortController();
  const request = { node: "p0", from: { $case: "offset", value: 0n }, live: true, untilOffset: 0n } as const;
  const told: string[] = [];
  const words = ({ event }: ConsoleEvent) => {
    if (event?.$case === "data") return event.value.data.toString();
    return event?.$case === "site" ? `${event.value.agent} ${event.value.connected ? "back" : "away"}` : event?.$case;
  };
  for await (const event of lab.clientFor(ConsoleServiceService).follow(request, { signal: stop.signal })) {
    told.push(words(event) ?? "");
    if (told.at(-1) === "live") await first.stop();
    if (told.at(-1) === "rack1 away") {
      console.print("two");
      (await lab.agent("rack1")).consoles.set("p0", console);
    }
    if (told.at(-1) === "two") break;
  }
  t.same(told, ["one ", "live", "rack1 away", "rack1 back", "two"]);
});

t.test("deployments recover when agents can come, and let go while agents are still there", async (t) => {
  const order: string[] = [];
  const unused = () => {
    throw new Error("not part of this test");
  };
  const service: Implementation<typeof DeploymentServiceService> = {
    listDeployments: async () => ({ deployments: [] }),
    getPlan: unused,
    startRun: unused,
    cancelRun: unused,
    watchRun: unused,
    getRun: unused,
    listExercises: unused,
    getReports: unused,
    listRuns: unused,
  };
  const lab = await startTestController(t, {
    deployments: async ({ nodes }) => ({
      service,
      recover: async () => void order.push("recovered"),
      close: async () => void order.push(`let go, p0 ${nodes.node("p0").agentConnected ? "there" : "gone"}`),
    }),
  });
  t.same(await lab.clientFor(DeploymentServiceService).listDeployments({}), { deployments: [] });
  await lab.agent("p0");
  await lab.controller.nodes.node("p0").facts();
  await lab.controller.close();
  await lab.controller.close();
  t.same(order, ["recovered", "let go, p0 there"]);
});
