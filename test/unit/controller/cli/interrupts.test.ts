import { EventEmitter } from "node:events";
import t from "tap";
import { listenForInterrupts, type Signalled } from "../../../../controller/cli/interrupts.js";

class FakeProcess extends EventEmitter implements Signalled {
  readonly pid = 42;
  readonly killed: string[] = [];

  kill(pid: number, signal: string): void {
    this.killed.push(`${pid} ${signal}`);
  }

  interrupt(): void {
    this.emit("SIGINT", "SIGINT");
  }
}

t.test("the first Ctrl-C cancels, the second leaves by force", async (t) => {
  const target = new FakeProcess();
  const { signal } = listenForInterrupts(target);
  target.interrupt();
  t.match(signal.reason, { code: "cancelled" });
  t.same(target.killed, []);
  target.interrupt();
  t.same(target.killed, ["42 SIGINT"]);
  t.equal(target.listenerCount("SIGINT"), 0, "nothing catches the signal that is sent");
});

t.test("a command that listens itself decides about the second", async (t) => {
  const target = new FakeProcess();
  listenForInterrupts(target);
  target.interrupt();
  let heard = 0;
  target.on("SIGINT", () => (heard += 1));
  target.interrupt();
  t.equal(heard, 1);
  t.same(target.killed, []);
});

t.test("a command that has ended gives the signals back", async (t) => {
  const target = new FakeProcess();
  listenForInterrupts(target).close();
  t.equal(target.listenerCount("SIGINT") + target.listenerCount("SIGTERM"), 0);
});
