import t from "tap";
import { interleave } from "../../../../controller/api/interleave.js";
import { CancelledError } from "../../../../proto/base/errors.js";
import { BoundedQueue } from "../../../../proto/base/queue.js";

function streams() {
  const [main, aside] = [new BoundedQueue<string>(10), new BoundedQueue<string>(10)];
  const stop = new AbortController();
  stop.signal.addEventListener("abort", () => main.fail(CancelledError.from(stop.signal)));
  const signals: AbortSignal[] = [];
  const source = (queue: BoundedQueue<string>) => (options: { signal: AbortSignal }) => {
    signals.push(options.signal);
    return queue;
  };
  return { main, aside, stop, signals, both: interleave(source(main), source(aside), { signal: stop.signal }) };
}

t.test("what is said aside comes in between, and the end is that of the main stream", async (t) => {
  const { main, aside, both, signals } = streams();
  main.offer("one");
  t.equal((await both.next()).value, "one");
  aside.offer("away");
  t.equal((await both.next()).value, "away");
  main.offer("two");
  main.close();
  t.equal((await both.next()).value, "two");
  t.ok((await both.next()).done);
  t.ok(
    signals.every(({ aborted }) => aborted),
    "both are let go",
  );
});

t.test("an end of what is said aside ends nothing; a failure of either is the reader's", async (t) => {
  const { main, aside, both } = streams();
  aside.close();
  main.offer("one");
  t.equal((await both.next()).value, "one");
  main.fail(new Error("lost"));
  await t.rejects(both.next(), { message: "lost" });
  const other = streams();
  other.aside.fail(new Error("aside lost"));
  await t.rejects(other.both.next(), { message: "aside lost" });
});

t.test("a reader that is cancelled is told so, and one that leaves lets go of both", async (t) => {
  const cancelled = streams();
  const waiting = cancelled.both.next();
  cancelled.stop.abort();
  await t.rejects(waiting, CancelledError);
  const left = streams();
  left.main.offer("one");
  await left.both.next();
  await left.both.return();
  t.ok(left.signals.every(({ aborted }) => aborted));
});
