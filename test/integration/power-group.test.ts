/** lab-agent with machines on one supply, each switched by a program: budget, hold and exact counts, also when the agent is killed. */
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import type { SiteAssignment } from "../../proto/gen/lab/v1/agent.js";
import { agentBench, ended, fence } from "../support/host/agent-process.js";
import { until } from "../support/host/processes.js";

const config = { powerSettleMs: 50, powerPollMs: 20 };
const nodes = Array.from({ length: 8 }, (_, n) => `m${n}`);

/** A switch that takes its time, and writes down when it was told what. */
const program = `#!/bin/sh
case "$2" in
  status) cat "$1/state"; exit ;;
esac
echo "$2 $(date +%s%N)" >> "$1/log"
sleep 0.2
echo "$2" > "$1/state"
echo "done $(date +%s%N)" >> "$1/log"
`;

interface Told {
  readonly verb: string;
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

class Supply {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async set(): Promise<void> {
    await writeFile(join(this.#directory, "switch"), program);
    await chmod(join(this.#directory, "switch"), 0o700);
    for (const node of nodes) {
      await mkdir(join(this.#directory, node));
      await writeFile(join(this.#directory, node, "state"), "on\n");
      await writeFile(join(this.#directory, node, "log"), "");
    }
  }

  assignment(change: { atOnce?: number; hold?: string } = {}): SiteAssignment {
    const { atOnce = 2, hold = "" } = change;
    const argv = (node: string) => [join(this.#directory, "switch"), join(this.#directory, node)];
    return {
      groups: [{ name: "pdu1", atOnce, staggerMs: 0 }],
      nodes: nodes.map((node) => ({
        node,
        bmc: undefined,
        console: undefined,
        ssh: undefined,
        power: { means: { $case: "command", value: { argv: argv(node) } } },
        safety: { group: "pdu1", minOffMs: 0, cyclesPerHour: 0, hold: node === "m0" ? hold : "" },
      })),
    };
  }

  /** What a machine was told, in order; what is still being done has no end yet. */
  async told(node: string): Promise<readonly Told[]> {
    const lines = (await readFile(join(this.#directory, node, "log"), "utf8")).split("\n").filter((line) => line !== "");
    const told: Told[] = [];
    for (const line of lines) {
      const [word = "", ns = "0"] = line.split(" ");
      const last = told[told.length - 1];
      if (word !== "done") told.push({ verb: word, fromNs: BigInt(ns), toNs: BigInt(ns) });
      else if (last !== undefined) told[told.length - 1] = { ...last, toNs: BigInt(ns) };
    }
    return told;
  }

  async mostAtOnce(): Promise<number> {
    const all = (await Promise.all(nodes.map((node) => this.told(node)))).flat();
    return Math.max(...all.map(({ fromNs }) => all.filter((each) => each.fromNs <= fromNs && fromNs <= each.toNs).length));
  }
}

t.test("machines on one supply are cycled two at a time, each once, and who is held back is not touched", async (t) => {
  const bench = await agentBench(t);
  const supply = new Supply(bench.directory);
  await supply.set();
  bench.start({ config });
  const { agent, power } = await bench.connected();
  await agent.assignSite(supply.assignment());
  const set = (node: string, verb: string, more = {}) =>
    power.setPower({ node, verb, key: `${verb} ${node}`, fence, deadlineMs: 20_000, queueMs: 60_000, ...more });

  const results = await Promise.all(nodes.map((node) => set(node, "cycle")));
  for (const node of nodes)
    t.same(
      (await supply.told(node)).map(({ verb }) => verb),
      ["off", "on"],
      node,
    );
  t.equal(await supply.mostAtOnce(), 2);
  t.ok(results.every(({ before, after, acted, witnessed }) => before === "on" && after === "on" && acted && witnessed));
  t.ok(
    results.some(({ waitedMs, elapsedMs }) => waitedMs > 0 && waitedMs < elapsedMs),
    "those behind say that they waited",
  );

  await agent.assignSite(supply.assignment({ hold: "firmware" }));
  t.match(await power.getPower({ node: "m0" }), { state: "on", hold: "firmware" });
  await t.rejects(set("m0", "off"), { code: "permission", message: /m0: power off: its power is held back: firmware/ });
  t.match(await set("m0", "on"), { acted: false });
  t.equal((await supply.told("m0")).length, 2);

  // One at a time from now on, for those that wait already too.
  const waiting = nodes.slice(1).map((node) => set(node, "off"));
  await agent.assignSite(supply.assignment({ atOnce: 1 }));
  await t.rejects(set("m7", "on", { key: "late", queueMs: 1 }), { code: "deadline", message: /m7: power on: waited 0.0 s for its turn/ });
  await Promise.all(waiting);
  for (const node of nodes.slice(1)) t.equal((await supply.told(node)).length, 3, node);

  // Who waits while somebody else gets the lease has lost the right to act when its turn comes.
  const ahead = set("m1", "on");
  const outdated = set("m2", "on", { key: "outdated" });
  const newer = set("m2", "on", { key: "newer", fence: { leaseId: "lease-2", epoch: 2n } });
  await t.rejects(outdated, { code: "conflict", message: /m2: lease lease-1 \(epoch 1\) is over/ });
  t.match(await newer, { before: "off", after: "on" });
  await ahead;
  t.equal((await supply.told("m2")).length, 4);
});

t.test("an agent that is killed in the middle goes on with what is asked again, and nothing is switched off twice", async (t) => {
  const bench = await agentBench(t);
  const supply = new Supply(bench.directory);
  await supply.set();
  const first = bench.start({ config });
  const before = await bench.connected();
  await before.agent.assignSite(supply.assignment());
  const request = (node: string) => ({ node, verb: "cycle", key: `run-1/${node}`, fence, deadlineMs: 8_000, queueMs: 60_000 });
  const broken = nodes.map((node) => before.power.setPower(request(node)).catch(() => undefined));
  await until(async () => (await supply.told("m3")).length > 0, "the fourth machine's turn");
  await ended(first, "SIGKILL");
  await Promise.all(broken);

  bench.start({ config });
  const after = await bench.connected();
  const results = await Promise.allSettled(nodes.map((node) => after.power.setPower(request(node))));
  let again = 0;
  for (const [index, node] of nodes.entries()) {
    const verbs = (await supply.told(node)).map(({ verb }) => verb);
    const result = results[index];
    if (result?.status === "fulfilled") {
      t.match(result.value, { before: "on", after: "on", acted: true });
      t.equal(verbs.filter((verb) => verb === "off").length, 1, `${node}: ${verbs.join(" ")}`);
      again += verbs.length - 2;
    } else {
      // Killed between writing down what it was about to send and sending it: it cannot know, and does not send it.
      t.match(result?.reason, { code: "deadline", message: /not sent twice/ });
      t.same(verbs, [], node);
    }
  }
  t.ok(again <= 2, "only what was being switched on may have been told so again");
  t.ok(results.filter(({ status }) => status === "fulfilled").length >= nodes.length - 2);
});
