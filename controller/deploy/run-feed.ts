/** What a watcher of a run is told: every journal entry once and in order, and in between what running steps do, as far as he keeps up. */
import { BoundedQueue } from "../../proto/base/queue.js";
import { CancelledError } from "../../proto/base/errors.js";
import type { Journal } from "../ports.js";
import { asRunEntry, type RunEntry } from "./entries.js";
import type { LiveRun } from "./live-run.js";
import type { StepProgress } from "./progress.js";
import { RunAbandonedError } from "./run-journal.js";

export type RunEvent =
  | { readonly kind: "entry"; readonly entry: RunEntry }
  | { readonly kind: "progress"; readonly timeMs: number; readonly progress: StepProgress };

/** Progress a watcher may lag behind; more of it is dropped. Entries are read from the journal and never dropped. */
const queueLength = 64;

type Note = { readonly timeMs: number; readonly progress: StepProgress } | "look";

/**
 * The run's events from this sequence on, then live; ends after "ended". `live`: undefined when no controller works on it.
 * Throws RunAbandonedError when work on it stops before its end, and the signal's reason.
 */
export async function* runFeed(
  run: { readonly id: string; readonly journal: Journal; readonly live: LiveRun | undefined; readonly now: () => number },
  fromSequence: number,
  options: { signal?: AbortSignal | undefined },
): AsyncGenerator<RunEvent, void, undefined> {
  const { live, signal } = { ...run, ...options };
  const notes = new BoundedQueue<Note>(queueLength);
  // A full queue needs no "look": whoever empties it reads the journal after every note.
  const offs = [
    live?.journal.onAppend(() => void notes.offer("look")),
    live?.onProgress((progress) => void notes.offer({ timeMs: run.now(), progress })),
  ];
  const onAbort = () => notes.fail(CancelledError.from(signal));
  signal?.addEventListener("abort", onAbort, { once: true });
  if (live === undefined) notes.close();
  else void live.done.then(() => notes.close());
  try {
    if (signal?.aborted === true) throw CancelledError.from(signal);
    let next = Math.max(1, fromSequence);
    for (let note: Note | undefined = "look"; ; ) {
      for (const entry of await run.journal.read(run.id, next)) {
        next = entry.sequence + 1;
        yield { kind: "entry", entry: asRunEntry(entry) };
        if (entry.type === "ended") return;
      }
      if (note === undefined && (await run.journal.read(run.id)).at(-1)?.type === "ended") return;
      if (note === undefined) throw new RunAbandonedError(run.id, "no controller works on it now");
      if (note !== "look" && live?.journal.state.steps[note.progress.step]?.status === "running") yield { kind: "progress", ...note };
      note = (await notes.next()).value as Note | undefined;
    }
  } finally {
    for (const off of offs) off?.();
    signal?.removeEventListener("abort", onAbort);
    notes.close();
  }
}
