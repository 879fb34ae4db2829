import { join } from "node:path";
import t, { type Test } from "tap";
import { PowerGate, type Turn } from "../../../../../agent/drivers/power/gate.js";
import type { PowerStep } from "../../../../../agent/drivers/power/plan.js";
import { WearFile } from "../../../../../agent/drivers/power/wear-file.js";
import type { PowerGroup, PowerSafety } from "../../../../../agent/ports/power.js";
import { silentLogger } from "../../../../../proto/base/logger.js";
import { FakeClock } from "../../../../support/fake-clock.js";
import { letTimePass } from "../../../../support/host/let-time-pass.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";

const minuteMs = 60_000;

interface Rules {
  readonly groups?: readonly Partial<PowerGroup>[];
  readonly nodes?: Readonly<Record<string, Partial<PowerSafety>>>;
  readonly window?: number;
}

/** Who is let through, in order, and how each of them ends. */
class Bench {
  readonly turns = new Map<string, Turn>();
  /** "m0 on @0": its turn has come, and when. */
  readonly began: string[] = [];
  readonly failed: string[] = [];

  readonly gate: PowerGate;
  readonly clock: FakeClock;
  readonly file: string;

  private constructor(gate: PowerGate, clock: FakeClock, file: string) {
    this.gate = gate;
    this.clock = clock;
    this.file = file;
  }

  static async open(t: Test, rules: Rules, clock = new FakeClock(), file?: string): Promise<Bench> {
    const path = file ?? join(await scratchDirectory(t), "wear.json");
    const wear = await WearFile.open(path, clock);
    const gate = new PowerGate({ clock, log: silentLogger, window: rules.window ?? 64, settleMs: 5000, wear });
    const bench = new Bench(gate, clock, path);
    bench.protect(rules);
    t.teardown(() => {
      if (clock.pendingTimers > 0) throw new Error(`${clock.pendingTimers} timers are left`);
    });
    return bench;
  }

  protect({ groups = [], nodes = {} }: Rules): void {
    const safety = { group: "", minOffMs: 0, cyclesPerHour: 0, hold: "" };
    this.gate.protect({
      groups: new Map(groups.map((each) => [each.name ?? "", { name: "", atOnce: 0, staggerMs: 0, ...each }])),
      safety: new Map(Object.entries(nodes).map(([node, each]) => [node, { ...safety, ...each }])),
    });
  }

  /** Asks for a turn; it is sent as soon as it has come. */
  ask(
    node: string,
    step: PowerStep,
    more: { ticket?: number; queueMs?: number; signal?: AbortSignal; sent?: boolean } = {},
  ): Promise<void> {
    const { ticket = this.gate.ticket(), queueMs = 30 * minuteMs, signal, sent = false } = more;
    return this.gate.enter({ node, verb: step, queueMs }, { ticket, node, step, sent }, { signal }).then(
      async (turn) => {
        this.turns.set(node, turn);
        if (!sent) await turn.sending();
        this.began.push(`${node} ${step} @${this.clock.monotonicMs() / 1000}`);
      },
      (error: Error) => void this.failed.push(error.message),
    );
  }

  /** The state of this node is as asked. */
  async done(node: string, state?: "off"): Promise<void> {
    if (state !== undefined) await letTimePass(this.clock, this.gate.seen(node, state), 0);
    this.turns.get(node)?.end();
    await this.settle();
  }

  /** Moves time on, in steps after which the disk is waited for. */
  async pass(ms: number): Promise<void> {
    const stepMs = ms > minuteMs ? ms : 500;
    await this.settle();
    for (let leftMs = ms; leftMs > 0; leftMs -= stepMs) {
      await this.clock.advance(Math.min(leftMs, stepMs));
      await this.settle();
    }
  }

  settle(): Promise<void> {
    return letTimePass(this.clock, Promise.resolve(), 0);
  }

  end(): void {
    for (const turn of this.turns.values()) turn.end();
  }
}

t.test("a group has no more transitions under way than its supply stands, and who came first goes first", async (t) => {
  const nodes = Object.fromEntries(["m0", "m1", "m2", "m3"].map((node) => [node, { group: "pdu1" }]));
  const bench = await Bench.open(t, { groups: [{ name: "pdu1", atOnce: 2 }], nodes });
  for (const node of ["m0", "m1", "m2", "x0", "m3"]) void bench.ask(node, "off");
  await bench.settle();
  t.same(bench.began, ["m0 off @0", "m1 off @0", "x0 off @0"], "who is not in the group does not wait for it");
  await bench.pass(9000);
  await bench.done("m1");
  t.same(bench.began.slice(3), ["m2 off @9"]);
  await bench.done("m0");
  t.same(bench.began.slice(4), ["m3 off @9"]);
  t.equal(bench.turns.get("m2")?.waitedMs, 9000);
  bench.end();
});

t.test("the wait for a turn ends with what was waited for", async (t) => {
  const nodes = { m0: { group: "pdu1" }, m1: { group: "pdu1" }, m2: { group: "pdu1" } };
  const bench = await Bench.open(t, { groups: [{ name: "pdu1", atOnce: 2 }], nodes });
  for (const node of ["m0", "m1"]) void bench.ask(node, "on");
  void bench.ask("m2", "on", { queueMs: 10_000 });
  await bench.pass(10_000);
  t.same(bench.failed, [
    "m2: power on: waited 10.0 s for its turn; last seen: it waited for power group pdu1 (2 of 2 under way: m0 m1); on was not sent",
  ]);
  await bench.done("m0");
  t.equal(bench.began.length, 2, "who has given up is not let through");
  bench.end();
});

t.test("machines of a group are switched on one after the other, however long the one before takes to be sent", async (t) => {
  const nodes = { m0: { group: "r1" }, m1: { group: "r1" }, m2: { group: "r1" }, m3: { group: "r1" } };
  const bench = await Bench.open(t, { groups: [{ name: "r1", staggerMs: 3000 }], nodes });
  const slow = await bench.gate.enter(
    { node: "m0", verb: "on", queueMs: minuteMs },
    { ticket: bench.gate.ticket(), node: "m0", step: "on", sent: false },
  );
  for (const [node, step] of [
    ["m1", "on"],
    ["m2", "reset"],
    ["m3", "off"],
  ] as const)
    void bench.ask(node, step);
  await bench.pass(2000);
  t.same(bench.began, ["m3 off @0"], "an off draws nothing; nobody is switched on while it is not known when the first is");
  await letTimePass(bench.clock, slow.sending(), 0);
  slow.end();
  await bench.pass(2999);
  t.equal(bench.began.length, 1);
  await bench.pass(1);
  await bench.pass(3500);
  t.same(bench.began.slice(1), ["m1 on @5", "m2 reset @8"]);
  bench.end();
});

t.test("a machine stays off for its least time, also when on is another act, and after a restart of the agent", async (t) => {
  const rules = { nodes: { m0: { minOffMs: 60_000 } } };
  const bench = await Bench.open(t, rules);
  void bench.ask("m0", "off");
  await bench.pass(2000);
  await bench.done("m0", "off");
  await bench.pass(10_000);
  t.equal(bench.gate.restMs("m0"), 50_000);

  const later = await Bench.open(t, rules, bench.clock, bench.file);
  void later.ask("m0", "on");
  await later.pass(49_000);
  t.same(later.began, []);
  await later.pass(1500);
  t.same(later.began, ["m0 on @62"]);
  later.end();
});

t.test("what was told to go off and not seen off rests from when it is seen; a clock that was set back makes it rest longer", async (t) => {
  const bench = await Bench.open(t, {});
  void bench.ask("m0", "soft");
  await bench.pass(4000);
  bench.end();
  bench.clock.jumpWallClock(-3_600_000);
  const later = await Bench.open(t, {}, bench.clock, bench.file);
  t.equal(later.gate.restMs("m0"), 5000, "a time in the future is taken for now");
  await later.pass(1000);
  await later.done("m0", "off");
  t.equal(later.gate.restMs("m0"), 5000);
  await later.done("m0", "off");
  await later.pass(1000);
  await later.done("m0", "off");
  t.equal(later.gate.restMs("m0"), 4000, "seen again is not switched off again");
});

t.test("a machine is switched on no more often than its inventory entry allows, over restarts of the agent", async (t) => {
  const rules = { nodes: { m0: { cyclesPerHour: 2 } } };
  const bench = await Bench.open(t, rules);
  const cycle = { node: "m0", verb: "cycle", queueMs: 30 * minuteMs } as const;
  for (const step of ["on", "reset"] as const) {
    bench.gate.require({ ...cycle, verb: step }, [step]);
    void bench.ask("m0", step);
    await bench.pass(10 * minuteMs);
    await bench.done("m0");
  }
  const later = await Bench.open(t, rules, bench.clock, bench.file);
  t.throws(() => later.gate.require(cycle, ["off", "on"]), {
    code: "exhausted",
    message:
      "m0: power cycle: it was switched on or reset 2 times within an hour, and its inventory entry allows no more (cycles_per_hour); again in 40 min",
    facts: { node: "m0", againInMs: 40 * minuteMs },
  });
  later.gate.require({ ...cycle, verb: "off" }, ["off"]);
  await later.pass(40 * minuteMs);
  later.gate.require(cycle, ["off", "on"]);
  void later.ask("m0", "on");
  await later.settle();
  t.throws(() => later.gate.require(cycle, ["off", "on"]), { message: /again in 10 min$/ });
  await later.turns.get("m0")?.refused();
  later.gate.require(cycle, ["off", "on"]);
  later.end();
});

t.test("who must stay off for longer than the act may wait is told so at once", async (t) => {
  const bench = await Bench.open(t, { nodes: { m0: { minOffMs: 45 * minuteMs } } });
  t.throws(() => bench.gate.require({ node: "m0", verb: "cycle", queueMs: 30 * minuteMs }, ["off", "on"]), {
    code: "exhausted",
    message: /m0: power cycle: it has to stay off for 45 min \(min_off\), and the act may wait no longer than 30 min/,
  });
  bench.gate.require({ node: "m0", verb: "on", queueMs: 0 }, ["on"]);
});

t.test("the window bounds what is under way; a silent device gives its place back, but not that of its group", async (t) => {
  const nodes = { dead: { group: "pdu1" }, m1: { group: "pdu1" } };
  const bench = await Bench.open(t, { window: 2, groups: [{ name: "pdu1", atOnce: 1 }], nodes });
  for (const node of ["dead", "m0", "m1", "m2", "m3"]) void bench.ask(node, "off");
  await bench.settle();
  t.same(bench.began, ["dead off @0", "m0 off @0"]);
  await bench.pass(2500);
  bench.turns.get("m0")?.heard();
  await bench.pass(499);
  t.equal(bench.began.length, 2);
  await bench.pass(1);
  t.same(bench.began.slice(2), ["m2 off @3"], "m1 waits for its group");
  bench.turns.get("dead")?.heard();
  await bench.done("m0");
  t.equal(bench.began.length, 3, "who answers again counts again");
  await bench.done("dead");
  t.same(bench.began.slice(3), ["m1 off @3"]);
  await bench.done("m1");
  t.same(bench.began.slice(4), ["m3 off @3"]);
  bench.end();
});

t.test("what was switched off for a cycle comes before what is still on", async (t) => {
  const nodes = { m0: { group: "pdu1" }, m1: { group: "pdu1" }, m2: { group: "pdu1" } };
  const bench = await Bench.open(t, { groups: [{ name: "pdu1", atOnce: 1 }], nodes });
  const ticket = bench.gate.ticket();
  void bench.ask("m0", "off", { ticket });
  for (const node of ["m1", "m2"]) void bench.ask(node, "off");
  await bench.settle();
  await bench.done("m0", "off");
  void bench.ask("m0", "on", { ticket });
  await bench.pass(5000);
  await bench.done("m1", "off");
  t.same(bench.began, ["m0 off @0", "m1 off @0", "m0 on @5"]);
  bench.end();
  await bench.settle();
  bench.end();
});

t.test("who is called off while it waits is not let through, and holds up nobody", async (t) => {
  const nodes = { m0: { group: "pdu1" }, m1: { group: "pdu1" }, m2: { group: "pdu1" } };
  const bench = await Bench.open(t, { groups: [{ name: "pdu1", atOnce: 1 }], nodes });
  const caller = new AbortController();
  void bench.ask("m0", "off");
  void bench.ask("m1", "off", { signal: caller.signal });
  void bench.ask("m2", "off");
  await bench.settle();
  caller.abort();
  await bench.done("m0");
  t.same(bench.began, ["m0 off @0", "m2 off @0"]);
  t.match(bench.failed, [/cancelled/]);
  await t.rejects(bench.gate.enter({ node: "m1", verb: "off", queueMs: 1 }, { ticket: 99, node: "m1", step: "off", sent: false }, caller), {
    code: "cancelled",
  });
  bench.end();
});

t.test("limits that change apply to who waits already", async (t) => {
  const nodes = { m0: { group: "pdu1" }, m1: { group: "pdu1" }, m2: { group: "pdu1" } };
  const bench = await Bench.open(t, { groups: [{ name: "pdu1", atOnce: 1 }], nodes });
  for (const node of ["m0", "m1", "m2"]) void bench.ask(node, "off");
  await bench.pass(1000);
  bench.protect({ groups: [{ name: "pdu1", atOnce: 2 }], nodes });
  await bench.settle();
  t.same(bench.began, ["m0 off @0", "m1 off @1"]);
  bench.protect({ nodes });
  await bench.settle();
  t.equal(bench.began.length, 3, "a group nobody knows any more limits nothing");
  bench.end();
});

t.test("an act that an earlier life of the agent has sent takes its place in the group, and nothing else", async (t) => {
  const nodes = { m0: { group: "pdu1", minOffMs: minuteMs }, m1: { group: "pdu1" }, m2: { group: "pdu1" } };
  const bench = await Bench.open(t, { groups: [{ name: "pdu1", atOnce: 2, staggerMs: 5000 }], nodes });
  void bench.ask("m0", "off");
  await bench.settle();
  await bench.done("m0", "off");
  const later = await Bench.open(t, { groups: [{ name: "pdu1", atOnce: 2, staggerMs: 5000 }], nodes }, bench.clock, bench.file);
  void later.ask("m0", "on", { sent: true });
  void later.ask("m1", "on");
  void later.ask("m2", "on");
  await later.settle();
  t.same(later.began, ["m0 on @0", "m1 on @0"]);
  await later.done("m0");
  await later.pass(5000);
  t.same(later.began.slice(2), ["m2 on @5"]);
  later.end();
});
