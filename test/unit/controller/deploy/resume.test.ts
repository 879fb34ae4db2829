/** A controller is killed, another one starts: the run ends as if nothing had been, and nothing is done to a node twice. */
import t, { type Test } from "tap";
import { DyingJournal } from "../../../support/deploy/dying-journal.js";
import { FakeLab } from "../../../support/deploy/fake-lab.js";

const request = { deployment: "toy-1", direction: "deploy", parameters: {} } as const;
/** FakeLab's first random bytes are all 1. */
const nonce = "11-1111";
/** Longer than a lease lives without its controller. */
const longMs = 150_000;

/** A lab where things take time: the build 3 s, the power-on self-test 2 s. */
function slowLab(): FakeLab {
  const lab = new FakeLab();
  lab.node("a").onCommand = () => ({ tookMs: 3000 });
  lab.bootsWell(() => nonce);
  for (const name of ["a", "b"]) {
    const node = lab.node(name);
    const boot = node.onPower;
    node.onPower = (verb) => {
      node.agentConnected = false;
      node.nextEntry = "";
      lab.clock.after(2000, () => boot(verb));
    };
  }
  return lab;
}

function checkDoneOnce(t: Test, lab: FakeLab): void {
  const done = (name: string, what: string) => lab.node(name).done.filter((each) => each === what).length;
  t.equal(done("a", "run make"), 1, "built once");
  t.equal(done("a", "power cycle"), 1, "a was power cycled once");
  t.equal(done("b", "power cycle"), 1, "b was power cycled once");
  t.equal(lab.node("a").done.at(-1), "power cycle", "nothing was armed after the power cycle");
}

/** Kills the controller when `kill` says so, starts another `afterMs` later and lets the run end. */
async function survive(t: Test, lab: FakeLab, death: { at: number; written: boolean }, afterMs: number): Promise<boolean> {
  let killed = false;
  const journal = new DyingJournal(lab.journal, death, () => {
    first.sever();
    killed = true;
  });
  const first = await lab.controller(journal);
  void first.runs.start(request, "ada");
  for (let passedMs = 0; !killed && passedMs < 60_000; passedMs += 250) await lab.clock.advance(250);
  if (!killed) return false;
  await lab.clock.advance(afterMs);
  const { runs } = await lab.controller();
  const resumed = await runs.resumeAll();
  const isUnborn = death.at === 1 && !death.written;
  if (isUnborn) {
    t.same(resumed, [], "a run that was not journalled has never been");
    return true;
  }
  const [newest] = await runs.list({ limit: 1 });
  const ended = await lab.untilEnded(runs, newest?.id ?? "");
  t.equal(ended.status, "succeeded", JSON.stringify(ended.failure));
  checkDoneOnce(t, lab);
  t.same(await lab.leases.list(), [], "the nodes are free");
  return true;
}

for (const written of [false, true]) {
  for (const afterMs of [1000, longMs]) {
    const when = `killed right ${written ? "after" : "before"} an append, back after ${afterMs / 1000} s`;
    void t.test(`${when}: the run succeeds and every act was done once, whichever append it was`, async (t) => {
      let at = 1;
      while (await survive(t, slowLab(), { at, written }, afterMs)) at += 1;
      t.ok(at > 30, `${at - 1} boundaries were tried`);
    });
  }
}
