import t from "tap";
import { Changes } from "../../../../proto/base/changes.js";
import { CancelledError } from "../../../../proto/base/errors.js";

t.test("a change wakes all who wait, once", async (t) => {
  const changes = new Changes();
  const woken: string[] = [];
  const waiting = ["a", "b"].map((name) => changes.next().then(() => woken.push(name)));
  changes.tell();
  await Promise.all(waiting);
  t.same(woken, ["a", "b"]);
  changes.tell();
  t.same(woken, ["a", "b"]);
});

t.test("a wait that is cancelled leaves nothing behind", async (t) => {
  const changes = new Changes();
  const cancel = new AbortController();
  const waiting = changes.next({ signal: cancel.signal });
  cancel.abort();
  await t.rejects(waiting, CancelledError);
  await t.rejects(changes.next({ signal: cancel.signal }), CancelledError);
});

t.test("once closed nobody waits", async (t) => {
  const changes = new Changes();
  const waiting = changes.next();
  changes.close();
  await waiting;
  await changes.next();
  t.ok(changes.closed);
});
