/** A run whose controller dies at one append after the other, each time over a new lab, and is taken up by the next controller. */
import type { RunState } from "../../../controller/deploy/run-state.js";
import { DyingJournal } from "./dying-journal.js";
import type { FakeLab } from "./fake-lab.js";
import { deployToy } from "./step-recipe.js";

export interface Survivor {
  readonly lab: FakeLab;
  readonly ended: RunState;
  /** "before append 7", for messages. */
  readonly killed: string;
}

const limitMs = 120_000;
const stepMs = 250;

/** Ends after the first run that nobody killed. `meanwhile` is called every quarter of a second of the first controller's life. */
export async function* killAtEachAppend(
  makeLab: () => FakeLab,
  meanwhile: (controller: Awaited<ReturnType<FakeLab["controller"]>>, id: string) => void = () => {},
): AsyncGenerator<Survivor> {
  for (const written of [false, true]) {
    // Before the first append there is no run to go on with.
    for (let at = written ? 1 : 2; ; at += 1) {
      const lab = makeLab();
      let killed = false;
      const journal = new DyingJournal(lab.journal, { at, written }, () => {
        first.sever();
        killed = true;
      });
      const first = await lab.controller(journal);
      void first.runs.start(deployToy, "ada").catch(() => undefined);
      let id = "";
      for (let passedMs = 0; !killed && passedMs < limitMs; passedMs += stepMs) {
        await lab.clock.advance(stepMs);
        id = (await lab.journal.runs())[0]?.runId ?? "";
        const heads = await lab.journal.runs();
        if (heads[0]?.last.type === "ended") break;
        if (id !== "") meanwhile(first, id);
      }
      if (!killed) break;
      await lab.clock.advance(1000);
      const { runs } = await lab.controller();
      await runs.resumeAll();
      const ended = await lab.untilEnded(runs, (await runs.get("toy-1")).id);
      yield { lab, ended, killed: `${written ? "after" : "before"} append ${at}` };
    }
  }
}
