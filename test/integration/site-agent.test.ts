/** lab-agent with site duty before a BMC on UDP: power and console of one machine over one RMCP+ session. */
import t from "tap";
import { agentBench, ended, fence } from "../support/host/agent-process.js";
import { runs, until } from "../support/host/processes.js";
import { benchBmc, benchPassword, benchUser } from "../support/sim/bench-bmc.js";

const config = { powerSettleMs: 50, powerPollMs: 20 };

t.test(
  "power is switched once and its serial evidence lies after the act's offset, also when the agent is killed and started again",
  async (t) => {
    const bmc = await benchBmc();
    t.teardown(() => bmc.server.close());
    const bench = await agentBench(t);
    const first = bench.start({ config });
    const before = await bench.connected();
    const bmcAssignment = {
      address: "127.0.0.1",
      port: bmc.server.port,
      username: benchUser,
      password: benchPassword,
      kg: Buffer.alloc(0),
      privilege: "administrator",
      cipherSuites: [],
      quirks: [],
    };
    const console = { kind: "sol", target: "", baudRate: 115200, line: "ttyS1" };
    const site = { node: "m0", bmc: bmcAssignment, power: undefined, safety: undefined, ssh: undefined, console };
    await before.agent.assignSite({ nodes: [site], groups: [] });
    const view = async (clients = before) => (await clients.console.listConsoles({})).consoles[0];
    await until(async () => (await view())?.state === "up", "SOL");
    bmc.serial.transmit(Buffer.from("before the act\r\n"));
    await until(async () => (await view())?.endOffset === 16n, "the bytes of the serial line");

    const on = { node: "m0", verb: "on", key: "run-1/on", fence, deadlineMs: 10_000, queueMs: 0 };
    t.match(await before.power.setPower(on), { before: "off", after: "on", acted: true, consoleOffset: 16n });
    const cycle = { ...on, verb: "cycle", key: "run-1/cycle" };
    const cycled = await before.power.setPower(cycle);
    bmc.serial.transmit(Buffer.from("after it\r\n"));
    await until(async () => (await view())?.endOffset === 26n, "the bytes after the act");
    await ended(first, "SIGKILL");

    bench.start({ config });
    const after = await bench.connected();
    await until(async () => (await view(after))?.state === "up", "SOL, taken back from the session that was left");
    t.same(await after.power.setPower(cycle), { ...cycled, replayed: true });
    t.same(bmc.executed, ["on", "off", "on"]);
    let text = "";
    for await (const { event } of after.console.follow({
      node: "m0",
      from: { $case: "offset", value: cycled.consoleOffset },
      live: false,
      untilOffset: 0n,
    })) {
      if (event?.$case === "data") text += event.value.data.toString();
    }
    t.equal(text, "after it\r\n");
    const log = await bench.log();
    t.notMatch(log, benchPassword, "the password is not in the log");
    t.notOk(runs(first.pid ?? 0));
  },
);

t.test("an agent that is asked to end leaves one gap in the log of a SOL console, and SOL free", async (t) => {
  const bmc = await benchBmc();
  t.teardown(() => bmc.server.close());
  const bench = await agentBench(t);
  const first = bench.start({ config });
  const before = await bench.connected();
  const assignment = {
    address: "127.0.0.1",
    port: bmc.server.port,
    username: benchUser,
    password: benchPassword,
    kg: Buffer.alloc(0),
    privilege: "administrator",
    cipherSuites: [],
    quirks: [],
  };
  const console = { kind: "sol", target: "", baudRate: 115200, line: "ttyS1" };
  await before.agent.assignSite({
    nodes: [{ node: "m0", bmc: assignment, power: undefined, safety: undefined, ssh: undefined, console }],
    groups: [],
  });
  const isUp = async (clients: typeof before) => (await clients.console.listConsoles({})).consoles[0]?.state === "up";
  await until(() => isUp(before), "SOL");
  t.equal(await ended(first, "SIGTERM"), 0);

  bench.start({ config });
  const after = await bench.connected();
  await until(() => isUp(after), "SOL again");
  const gaps: string[] = [];
  for await (const { event } of after.console.follow({ node: "m0", from: { $case: "offset", value: 0n }, live: false, untilOffset: 0n })) {
    if (event?.$case === "gap") gaps.push(event.value.cause);
  }
  t.same(gaps, ["agent-down"]);
  t.notMatch(await bench.log(), "console line is down");
});

t.test("a wrong password is named as such", async (t) => {
  const bmc = await benchBmc();
  t.teardown(() => bmc.server.close());
  const bench = await agentBench(t);
  bench.start({ config });
  const clients = await bench.connected();
  const wrong = {
    address: "127.0.0.1",
    port: bmc.server.port,
    username: benchUser,
    password: "wrong",
    kg: Buffer.alloc(0),
    privilege: "",
    cipherSuites: [],
    quirks: [],
  };
  await clients.agent.assignSite({
    nodes: [{ node: "m0", bmc: wrong, power: undefined, safety: undefined, ssh: undefined, console: undefined }],
    groups: [],
  });
  await t.rejects(clients.power.getPower({ node: "m0" }), { code: "authentication", message: /password/ });
});

t.test("what the BMC can do beside power is served beside an open console, which stays up", async (t) => {
  const bmc = await benchBmc();
  t.teardown(() => bmc.server.close());
  const bench = await agentBench(t);
  bench.start({ config });
  const clients = await bench.connected();
  const assignment = {
    address: "127.0.0.1",
    port: bmc.server.port,
    username: benchUser,
    password: benchPassword,
    kg: Buffer.alloc(0),
    privilege: "operator",
    cipherSuites: [],
    quirks: [],
  };
  const console = { kind: "sol", target: "", baudRate: 115200, line: "ttyS1" };
  const site = { node: "m0", bmc: assignment, power: undefined, safety: undefined, ssh: undefined, console };
  await clients.agent.assignSite({ nodes: [site], groups: [] });
  await until(async () => (await clients.console.listConsoles({})).consoles[0]?.state === "up", "SOL");
  await clients.power.setPower({ node: "m0", verb: "on", key: "on", fence, deadlineMs: 10_000, queueMs: 0 });
  t.match(await clients.bmc.probeBmc({ node: "m0" }), { firmware: "2.41", sol: { enabled: true }, problems: [], stanza: "" });
  t.match(
    (await clients.bmc.readSensors({ node: "m0" })).sensors.find((each) => each.name === "CPU1 Temp"),
    { value: 46, unit: "°C", status: "ok" },
  );
  const boot = { device: "pxe", persistent: false, efi: true };
  t.same(await clients.bmc.setBootOverride({ node: "m0", boot, fence }), boot);
  await clients.bmc.interrupt({ node: "m0", fence });
  t.match((await clients.bmc.readEventLog({ node: "m0", limit: 1 })).entries, [{ sensor: "critical interrupt Critical Int" }]);
  await t.rejects(clients.bmc.interrupt({ node: "m0", fence: { ...fence, epoch: fence.epoch - 1n } }), { code: "conflict" });
  await t.rejects(clients.bmc.probeBmc({ node: "x0" }), { code: "not-found" });
  t.same(bmc.executed, ["on", "interrupt"]);
  bmc.serial.transmit(Buffer.from("still here"));
  await until(async () => (await clients.console.listConsoles({})).consoles[0]?.endOffset === 10n, "the bytes of the serial line");
  const gaps: string[] = [];
  for await (const { event } of clients.console.follow({
    node: "m0",
    from: { $case: "offset", value: 0n },
    live: false,
    untilOffset: 0n,
  })) {
    if (event?.$case === "gap") gaps.push(event.value.cause);
  }
  t.same(gaps, []);
});
