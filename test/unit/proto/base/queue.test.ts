import t from "tap";
import { BoundedQueue } from "../../../../proto/base/queue.js";

t.test("a full queue refuses what is offered and keeps what it has, in order", async (t) => {
  const queue = new BoundedQueue<number>(2);
  t.ok(queue.offer(1));
  t.ok(queue.offer(2));
  t.notOk(queue.offer(3));
  queue.close();
  const seen: number[] = [];
  for await (const item of queue) seen.push(item);
  t.same(seen, [1, 2]);
});

t.test("a producer that pushes waits until the consumer has made room", async (t) => {
  const queue = new BoundedQueue<number>(1);
  await queue.push(1);
  let pushed = false;
  const pushing = queue.push(2).then((taken) => {
    pushed = taken;
  });
  t.notOk(pushed);
  t.same(await queue.next(), { value: 1, done: false });
  await pushing;
  t.ok(pushed);
});

t.test("a failure reaches the consumer after what was queued, once", async (t) => {
  const queue = new BoundedQueue<number>(4);
  queue.offer(1);
  queue.fail(new Error("line down"));
  t.same(await queue.next(), { value: 1, done: false });
  await t.rejects(queue.next(), { message: "line down" });
  t.same(await queue.next(), { value: undefined, done: true });
});

t.test("a waiting consumer is told of the failure at once", async (t) => {
  const queue = new BoundedQueue<number>(4);
  const waiting = queue.next();
  queue.fail(new Error("line down"));
  await t.rejects(waiting, { message: "line down" });
});
