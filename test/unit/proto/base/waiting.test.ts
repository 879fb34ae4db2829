import t from "tap";
import { anySignal, unlessAborted, withDeadline } from "../../../../proto/base/abort.js";
import { Backoff } from "../../../../proto/base/backoff.js";
import { sleep } from "../../../../proto/base/clock.js";
import { CancelledError, describeError, DeadlineError, errorCodes, errorFromCode, FailedError } from "../../../../proto/base/errors.js";
import { Lifecycle } from "../../../../proto/base/lifecycle.js";
import { FakeClock } from "../../../support/fake-clock.js";

t.test("a missed deadline says what was awaited, how long, and what was seen last", async (t) => {
  const clock = new FakeClock();
  const wait = { subject: "p0", awaited: "the banner", deadlineMs: 180_000, lastSeen: () => "GRUB loading." };
  const waiting = withDeadline(clock, wait, () => new Promise(() => undefined));
  const told = waiting.catch((error: unknown) => error);
  await clock.advance(179_999);
  t.equal(clock.pendingTimers, 1);
  await clock.advance(1);
  const error = await told;
  t.type(error, DeadlineError);
  t.equal((error as Error).message, "p0: waited 180.0 s for the banner; last seen: GRUB loading.");
  t.equal(clock.pendingTimers, 0);
});

t.test("work that ends in time leaves no timer, and its own error comes through", async (t) => {
  const clock = new FakeClock();
  const wait = { subject: "p0", awaited: "x", deadlineMs: 1000 };
  t.equal(await withDeadline(clock, wait, async () => 5), 5);
  await t.rejects(
    withDeadline(clock, wait, async () => Promise.reject(new FailedError("no"))),
    { message: "no" },
  );
  t.equal(clock.pendingTimers, 0);
});

t.test("a cancel from outside is told as a cancel, not as a deadline", async (t) => {
  const clock = new FakeClock();
  const outer = new AbortController();
  const waiting = withDeadline(clock, { subject: "p0", awaited: "x", deadlineMs: 1000 }, (signal) => sleep(clock, 5000, { signal }), {
    signal: outer.signal,
  });
  const told = waiting.catch((error: unknown) => error);
  outer.abort(new CancelledError("by hand"));
  t.match(await told, { code: "cancelled", message: "by hand" });
  t.equal(clock.pendingTimers, 0);
});

t.test("a cancel without a reason of ours is a CancelledError", async (t) => {
  const clock = new FakeClock();
  const outer = new AbortController();
  const wait = { subject: "p0", awaited: "x", deadlineMs: 1000 };
  const told = withDeadline(clock, wait, () => new Promise(() => undefined), { signal: outer.signal }).catch((error: unknown) => error);
  outer.abort();
  t.match(await told, { code: "cancelled", cause: { name: "AbortError" } });
});

t.test("a combined signal takes the first reason and lets go of the others", async (t) => {
  const [a, b] = [new AbortController(), new AbortController()];
  const { signal } = anySignal(a.signal, undefined, b.signal);
  b.abort(new CancelledError("b"));
  a.abort(new CancelledError("a"));
  t.match(signal.reason, { message: "b" });
  t.ok(anySignal(a.signal).signal.aborted, "a signal that has aborted already counts");
});

t.test("delays grow to the cap, jitter downwards, and start again after a stable time", async (t) => {
  const steady = new Backoff({ initialMs: 1000, capMs: 5000, stableMs: 60_000, random: () => 0 });
  t.same(
    [0, 0, 0, 0].map((lived) => steady.nextDelayMs(lived)),
    [1000, 2000, 4000, 5000],
  );
  t.equal(steady.nextDelayMs(59_999), 5000);
  t.equal(steady.nextDelayMs(60_000), 1000);
  const jittered = new Backoff({ initialMs: 1000, capMs: 5000, stableMs: 60_000, jitter: 0.5, random: () => 0.999 });
  t.ok(jittered.nextDelayMs(0) > 500 && jittered.nextDelayMs(0) < 2000);
});

t.test("a lifecycle closes in reverse order, once, and goes on past a failing closer", async (t) => {
  const closed: string[] = [];
  const lifecycle = new Lifecycle();
  lifecycle.onClose(() => void closed.push("first"));
  lifecycle.onClose(() => {
    closed.push("second");
    throw new Error("stuck");
  });
  lifecycle.onClose(async () => void closed.push("third"));
  await t.rejects(lifecycle.close(), { message: "stuck" });
  await t.rejects(lifecycle.close(), { message: "stuck" });
  t.same(closed, ["third", "second", "first"]);
  lifecycle.onClose(() => void closed.push("late"));
  t.equal(closed.at(-1), "late", "what is registered after the end is closed at once");
});

t.test("an error that crossed a wire as code and message is the same decision again", async (t) => {
  for (const code of errorCodes) t.equal(errorFromCode(code, "x").code, code);
  t.equal(errorFromCode("from-the-future", "x").code, "internal");
  t.equal(describeError(new FailedError("a", { cause: new Error("b", { cause: "c" }) })), "a: b: c");
});

t.test("whoever stops waiting for shared work leaves it running, and no listener on its signal", async (t) => {
  let finish = (_value: string) => {};
  const work = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const patient = new AbortController();
  const hasty = new AbortController();
  const removed = t.capture(patient.signal, "removeEventListener", patient.signal.removeEventListener.bind(patient.signal));
  const [waits, leaves] = [unlessAborted(work, patient.signal), unlessAborted(work, hasty.signal)];
  hasty.abort();
  await t.rejects(leaves, { code: "cancelled" });
  await t.rejects(unlessAborted(work, hasty.signal), { code: "cancelled" });
  finish("done");
  t.equal(await waits, "done");
  await new Promise(setImmediate);
  t.equal(removed().length, 1);
});
