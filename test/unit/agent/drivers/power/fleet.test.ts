/** A rack of machines switched at once, over one gate: some are dead, some lose replies, some are slow, some die on the way. */
import { join } from "node:path";
import t, { type Test } from "tap";
import { Acts } from "../../../../../agent/drivers/power/acts.js";
import { PowerGate } from "../../../../../agent/drivers/power/gate.js";
import { VerifiedPower } from "../../../../../agent/drivers/power/verified.js";
import { WearFile } from "../../../../../agent/drivers/power/wear-file.js";
import type { PowerResult, PowerVerb } from "../../../../../agent/ports/power.js";
import { silentLogger } from "../../../../../proto/base/logger.js";
import { FakeClock } from "../../../../support/fake-clock.js";
import { FakePowerDevice } from "../../../../support/host/fake-power-device.js";
import { letTimePass } from "../../../../support/host/let-time-pass.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";

const machines = 77;
/** The first of them: four groups of twelve, the others are in none. */
const grouped = 48;
const atOnce = 3;
const staggerMs = 1000;
const window = 16;

type Fate = "well" | "dead" | "dies" | "loses replies" | "slow";

interface Machine {
  readonly name: string;
  readonly group: string;
  readonly fate: Fate;
  readonly device: FakePowerDevice;
  readonly power: VerifiedPower;
}

interface Span {
  readonly group: string;
  readonly fate: Fate;
  readonly verb: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Every eleventh machine from `first` on has this fate. */
const fates: Readonly<Record<Exclude<Fate, "well">, number>> = { dead: 0, dies: 3, "loses replies": 5, slow: 7 };

class Fleet {
  readonly clock = new FakeClock();
  readonly machines: Machine[] = [];
  /** What the machines saw: from a verb that reached one until its state had changed. */
  readonly spans: Span[] = [];

  static async open(t: Test, without: readonly Fate[] = []): Promise<Fleet> {
    const fleet = new Fleet();
    const { clock } = fleet;
    const directory = await scratchDirectory(t);
    const acts = await Acts.open(join(directory, "acts"));
    const wear = await WearFile.open(join(directory, "wear.json"), clock);
    const gate = new PowerGate({ clock, log: silentLogger, window, settleMs: 5000, wear });
    for (let n = 0; n < machines; n += 1) {
      const fate = (Object.keys(fates) as (keyof typeof fates)[]).find((each) => n % 11 === fates[each]) ?? "well";
      if (!without.includes(fate)) fleet.#add(n, fate, { acts, gate });
    }
    const groups = [...new Set(fleet.machines.map(({ group }) => group))].filter((name) => name !== "");
    gate.protect({
      groups: new Map(groups.map((name) => [name, { name, atOnce, staggerMs }])),
      safety: new Map(fleet.machines.map(({ name, group }) => [name, { group, minOffMs: 0, cyclesPerHour: 0, hold: "" }])),
    });
    return fleet;
  }

  #add(n: number, fate: Fate, { acts, gate }: { acts: Acts; gate: PowerGate }): void {
    const { clock, spans } = this;
    const name = `m${n}`;
    const group = n < grouped ? `pdu${n % 4}` : "";
    const device = new FakePowerDevice("on", clock);
    device.delayMs = 1000 + (n % 5) * 700;
    if (fate === "slow") device.answerMs = 1500;
    if (fate === "dead") device.die();
    device.onSend = (verb) => {
      if (fate === "loses replies") device.loseReply();
      if (fate === "dies") device.die();
      spans.push({ group, fate, verb, fromMs: clock.monotonicMs(), toMs: clock.monotonicMs() + device.delayMs });
    };
    const console = { endOffset: () => 0, markPower: () => 0 };
    const power = new VerifiedPower({ node: name, device, gate, acts, console, clock, log: silentLogger, pollMs: 500 });
    this.machines.push({ name, group, fate, device, power });
  }

  /** All at once; what became of each, by name, and when the last of the live ones had ended. */
  async switch(verb: PowerVerb): Promise<{ results: Map<string, PowerResult | Error>; liveEndedMs: number }> {
    const results = new Map<string, PowerResult | Error>();
    let liveEndedMs = 0;
    const acts = this.machines.map(async ({ name, power, fate }) => {
      const request = { verb, key: `${verb} ${name}`, deadlineMs: 45_000, queueMs: 1_800_000 };
      results.set(name, await power.set(request).catch((error: Error) => error));
      if (fate !== "dead" && fate !== "dies") liveEndedMs = Math.max(liveEndedMs, this.clock.monotonicMs());
    });
    await letTimePass(this.clock, Promise.all(acts), 500);
    return { results, liveEndedMs };
  }

  /** How many machines of a group were changing at the same time, at most. */
  mostAtOnce(spans: readonly Span[]): number {
    return Math.max(...spans.map(({ fromMs }) => spans.filter((each) => each.fromMs <= fromMs && fromMs < each.toMs).length));
  }

  leastPauseMs(spans: readonly Span[]): number {
    const starts = spans.filter(({ verb }) => verb === "on").map(({ fromMs }) => fromMs);
    starts.sort((a, b) => a - b);
    return Math.min(...starts.slice(1).map((ms, index) => ms - (starts[index] ?? 0)));
  }
}

t.test("a cycle of a whole rack: each machine exactly once, no budget exceeded, and the dead keep nobody waiting", async (t) => {
  const fleet = await Fleet.open(t);
  const { results, liveEndedMs } = await fleet.switch("cycle");
  const fateOf = (fate: Fate) => fleet.machines.filter((each) => each.fate === fate);
  t.same(
    (["dead", "dies", "loses replies", "slow"] as const).map((fate) => fateOf(fate).length),
    [7, 7, 7, 7],
  );
  for (const { name, fate, device } of fleet.machines) {
    const result = results.get(name);
    if (fate === "dead") {
      t.same(device.acts, [], `${name} is dead`);
      t.match(result, { code: "unreachable" });
    } else if (fate === "dies") {
      t.match(result, { code: "deadline" }, `${name} dies`);
    } else {
      t.same(device.acts, ["off", "on"], `${name} is ${fate}`);
      t.match(result, { before: "on", after: "on", acted: true, witnessed: true });
    }
  }
  for (const group of ["pdu0", "pdu1", "pdu2", "pdu3"]) {
    const spans = fleet.spans.filter((each) => each.group === group);
    t.equal(fleet.mostAtOnce(spans) <= atOnce, true, `${group} has at most ${fleet.mostAtOnce(spans)} of ${atOnce} under way`);
    t.equal(fleet.mostAtOnce(spans) > 1, true, "and they were not simply done one by one");
    t.equal(fleet.leastPauseMs(spans) >= staggerMs, true, `${group} was switched on every ${fleet.leastPauseMs(spans)} ms at most`);
  }
  const answering = fleet.spans.filter(({ fate }) => fate !== "dies");
  t.equal(fleet.mostAtOnce(answering) <= window, true, `${fleet.mostAtOnce(answering)} of ${window} under way on the agent`);
  t.ok([...results.values()].some((each) => !(each instanceof Error) && each.waitedMs > 0));
  t.equal(fleet.clock.pendingTimers, 0);

  const living = await Fleet.open(t, ["dead"]);
  const unhindered = await living.switch("cycle");
  t.equal(liveEndedMs <= unhindered.liveEndedMs + 1000, true, `${liveEndedMs} ms beside the dead, ${unhindered.liveEndedMs} ms without`);
});
