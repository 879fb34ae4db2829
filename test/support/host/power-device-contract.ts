/** What every PowerDevice must do: run over each driver, and over the fake that stands for them in other tests. */
import type { Test } from "tap";
import { NotSentError, type PowerDevice, type PowerState } from "../../../agent/ports/power.js";
import { sleep, systemClock } from "../../../proto/base/clock.js";
import { LabError } from "../../../proto/base/errors.js";

export const deviceVerbs = ["on", "off", "reset", "soft"] as const;
export type DeviceVerb = (typeof deviceVerbs)[number];

/** A device and what is behind it, in the hands of the test. */
export interface PowerDeviceRig {
  readonly device: PowerDevice;
  /** The machine's state at the start: "off", but for machines that cannot be seen off. */
  readonly starts?: PowerState;
  /** Verbs the device does not have; default none. */
  readonly lacks?: readonly DeviceVerb[];
  /** How often the far end has executed a verb so far. Undefined where it cannot be counted. */
  readonly executions?: () => number | Promise<number>;
  /** The next verb is executed and its answer lost. */
  readonly loseReply?: () => void | Promise<void>;
  /** From now on nothing answers. */
  readonly goSilent?: () => void | Promise<void>;
  /** It reads the state before it sends a reset. */
  readonly readsBeforeReset?: boolean;
  /** The end of that. */
  readonly answerAgain?: () => void | Promise<void>;
  /** Lets a second go by, as the device's clock sees it. Default: a hundredth of a second of real time. */
  readonly second?: () => Promise<void>;
  /** Processes, sessions, sockets of calls that are over. */
  readonly leftovers?: () => number | Promise<number>;
  /** Whoever must do something for the verb to come about does it: an operator, an operating system that shuts down. */
  readonly heed?: (verb: DeviceVerb) => void | Promise<void>;
}

/** By when a device must have given up on silence, in seconds of its own clock. */
const patienceS = 120;

export function powerDeviceContract(t: Test, name: string, make: (t: Test) => Promise<PowerDeviceRig>): void {
  const rigFor = async (t: Test): Promise<Rig> => {
    const rig = new Rig(await make(t));
    t.teardown(() => rig.device.close());
    return rig;
  };

  t.test(`${name}: reading tells the state and changes nothing`, async (t) => {
    const rig = await rigFor(t);
    const first = await rig.device.read();
    t.match(first, { state: rig.starts, fault: false });
    t.same(await Promise.all([rig.device.read(), rig.device.read()]), [first, first], "two at once as well");
    t.equal(await rig.executions(), 0);
  });

  t.test(`${name}: a verb is executed once; one that has nothing to do is none the worse`, async (t) => {
    const rig = await rigFor(t);
    const order = ["on", "on", "reset", "off", "off", "on", "soft"] as const;
    for (const verb of order.filter((each) => rig.has(each))) {
      const before = (await rig.device.read()).state;
      const counted = await rig.executions();
      await rig.does(verb);
      const executed = (await rig.executions()) - counted;
      const idle = verb !== "reset" && before === stateAfter(verb);
      if (rig.counts)
        t.ok(executed === 1 || (idle && executed === 0), `${verb} of a machine that is ${before}: executed ${executed} times`);
      t.equal((await rig.becomes(stateAfter(verb))).state, stateAfter(verb), `${verb}: the machine is ${stateAfter(verb)}`);
    }
  });

  t.test(`${name}: where it tells starts, a start changes with the machine's, and with nothing else`, async (t) => {
    const rig = await rigFor(t);
    if (rig.has("on")) await rig.does("on");
    const { start } = await rig.becomes("on");
    t.equal((await rig.device.read()).start, start);
    if (start === undefined || !rig.has("reset")) return;
    await rig.does("reset");
    for (let tries = 0; (await rig.becomes("on")).start === start; tries += 1) {
      if (tries > patienceS) return t.fail("a reset left the start as it was");
      await rig.second();
    }
    if (!rig.has("off")) return;
    const { start: again } = await rig.device.read();
    await rig.does("off");
    await rig.becomes("off");
    await rig.does("on");
    t.not((await rig.becomes("on")).start, again);
  });

  t.test(`${name}: a reset of a machine that is off is refused and not executed`, async (t) => {
    const rig = await rigFor(t);
    if (rig.starts !== "off") return;
    await refusal(t, rig, "reset");
    t.equal((await rig.device.read()).state, "off");
  });

  t.test(`${name}: a verb it does not have is refused and not executed`, async (t) => {
    const rig = await rigFor(t);
    if (rig.starts === "off" && rig.has("on")) {
      await rig.does("on");
      await rig.becomes("on");
    }
    for (const verb of deviceVerbs.filter((each) => !rig.has(each))) await refusal(t, rig, verb);
  });

  t.test(`${name}: a call that is cancelled before it begins does nothing`, async (t) => {
    const rig = await rigFor(t);
    const signal = aborted();
    await t.rejects(rig.device.read({ signal }), { code: "cancelled" });
    await t.rejects(rig.device.send(rig.has("on") ? "on" : "reset", { signal }), { code: "cancelled" });
    t.equal(await rig.executions(), 0);
    t.equal((await rig.device.read()).state, rig.starts);
  });

  t.test(`${name}: a lost answer is UnreachableError, and the verb was executed once`, async (t) => {
    const rig = await rigFor(t);
    const { loseReply } = rig.rig;
    if (loseReply === undefined) return;
    await rig.device.read();
    await loseReply();
    const verb = rig.has("on") ? "on" : "reset";
    t.match(await rig.failure(rig.device.send(verb)), { code: "unreachable" });
    if (rig.counts) t.equal(await rig.executions(), 1);
    t.equal((await rig.becomes("on")).state, "on", "and it answers again");
  });

  t.test(`${name}: silence is UnreachableError, in time, and a wait for it can be cancelled`, async (t) => {
    const rig = await rigFor(t);
    const { goSilent } = rig.rig;
    if (goSilent === undefined) return;
    await rig.device.read();
    await goSilent();
    const caller = new AbortController();
    const reading = rig.device.read({ signal: caller.signal }).then(() => "answered", codeOf);
    await sleep(systemClock, 20);
    caller.abort();
    t.equal(await Promise.race([reading, realSeconds(5)]), "cancelled", "without its time having to pass");
    const failure = await rig.failure(rig.device.read());
    t.match(failure, { code: "unreachable" });
    t.match(String(failure), /; \S/, "says what to do");
    t.equal(await rig.leftovers(), 0, "nothing is left of either");
    if (rig.rig.readsBeforeReset === true) {
      t.ok((await rig.failure(rig.device.send("reset"))) instanceof NotSentError, "what is not sent for silence says so");
      t.equal(await rig.executions(), 0);
    }
    if (rig.rig.answerAgain === undefined) return;
    await rig.rig.answerAgain();
    t.match(await rig.settled(rig.device.read()), { value: { state: rig.starts } }, "it is asked again, and answers");
  });

  t.test(`${name}: closing twice is closing once`, async (t) => {
    const { device } = await rigFor(t);
    await device.read();
    await device.close();
    await device.close();
  });
}

class Rig {
  readonly rig: PowerDeviceRig;
  readonly device: PowerDevice;
  readonly starts: PowerState;

  constructor(rig: PowerDeviceRig) {
    this.rig = rig;
    this.device = rig.device;
    this.starts = rig.starts ?? "off";
  }

  has(verb: DeviceVerb): boolean {
    return this.rig.lacks?.includes(verb) !== true;
  }

  get counts(): boolean {
    return this.rig.executions !== undefined;
  }

  /** 0 where it cannot be counted. */
  async executions(): Promise<number> {
    return (await this.rig.executions?.()) ?? 0;
  }

  /** What is left when whatever was killed has had its time to go. */
  async leftovers(): Promise<number> {
    const { leftovers } = this.rig;
    for (let tries = 0; leftovers !== undefined; tries += 1) {
      const left = await leftovers();
      if (left === 0 || tries > 200) return left;
      await sleep(systemClock, 10);
    }
    return 0;
  }

  async second(): Promise<void> {
    await (this.rig.second?.() ?? sleep(systemClock, 10));
  }

  async does(verb: DeviceVerb): Promise<void> {
    await this.device.send(verb);
    await this.rig.heed?.(verb);
  }

  async becomes(state: PowerState) {
    for (let tries = 0; ; tries += 1) {
      const reading = await this.device.read();
      if (reading.state === state) return reading;
      if (tries > patienceS) throw new Error(`the machine never became ${state}`);
      await this.second();
    }
  }

  /** What a call throws, letting time pass for it. */
  async failure(call: Promise<unknown>): Promise<unknown> {
    return (await this.settled(call)).thrown;
  }

  /** What a call comes to, letting time pass for it. */
  async settled(call: Promise<unknown>): Promise<{ value?: unknown; thrown?: unknown }> {
    let end: { value?: unknown; thrown?: unknown } | undefined;
    void call.then(
      (value) => (end = { value }),
      (thrown: unknown) => (end = { thrown }),
    );
    for (let tries = 0; ; tries += 1) {
      if (tries > patienceS) throw new Error(`no end after ${patienceS} s`);
      await this.second();
      if (end !== undefined) return end;
    }
  }
}

async function refusal(t: Test, rig: Rig, verb: DeviceVerb): Promise<void> {
  const { device } = rig;
  const executed = await rig.executions();
  const failure: unknown = await device.send(verb).catch((thrown: unknown) => thrown);
  t.match(failure, { code: "unsupported" }, `${verb} is refused`);
  t.ok(String((failure as Error).message).startsWith(device.label), `names the device: ${String(failure)}`);
  t.match(String(failure), /\buse \w/, "says what to use instead");
  t.equal(await rig.executions(), executed, "nothing was executed");
}

/** Keeps nobody waiting who has what it wants. */
function realSeconds(count: number): Promise<string> {
  return new Promise((resolve) => systemClock.after(count * 1000, () => resolve(`not within ${count} s`), { background: true }));
}

function stateAfter(verb: DeviceVerb): PowerState {
  return verb === "on" || verb === "reset" ? "on" : "off";
}

function codeOf(thrown: unknown): string {
  return thrown instanceof LabError ? thrown.code : `${String(thrown)}, which is none of our errors`;
}

function aborted(): AbortSignal {
  const caller = new AbortController();
  caller.abort();
  return caller.signal;
}
