/** A conversation that stalls at any of its ends is given up. */
import { PassThrough } from "node:stream";
import t from "tap";
import { ask } from "../../../../agent/ssh/shell/conversation.js";
import type { Shell } from "../../../../agent/ssh/shell/shell.js";
import { FakeClock } from "../../../support/fake-clock.js";

/** A script that has said all it says; what else of its end comes is up to the test. */
function shellThatStalls({ stderrEnds, ended }: { stderrEnds: boolean; ended: Promise<number | undefined> }) {
  const state = { letGo: 0 };
  const shell: Shell = {
    label: "ssh root@board",
    open() {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      stdout.end("all of it");
      if (stderrEnds) stderr.end();
      return Promise.resolve({ stdin: new PassThrough().resume(), stdout, stderr, ended, destroy: () => void (state.letGo += 1) });
    },
  };
  return { shell, state };
}

for (const { says, stderrEnds, ended } of [
  { says: "whose exit code never comes", stderrEnds: true, ended: new Promise<number>(() => undefined) },
  { says: "whose error output somebody keeps open", stderrEnds: false, ended: Promise.resolve(0) },
])
  t.test(`a script ${says} is given up and let go of`, async (t) => {
    const clock = new FakeClock();
    const { shell, state } = shellThatStalls({ stderrEnds, ended });
    const asked = t.rejects(ask(shell, clock, "true", { awaited: "its end", silenceMs: 5000 }), {
      code: "deadline",
      message: /ssh root@board: waited 5\.0 s for its end; last seen: nothing more from the machine/,
    });
    await clock.advance(0);
    t.equal(clock.pendingTimers, 1, "a deadline is running");
    await clock.advance(5001);
    t.equal(state.letGo, 1);
    await asked;
  });
