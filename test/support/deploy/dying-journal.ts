/** A journal whose controller is killed at one of its appends: right before it is written, or right after. */
import type { Journal } from "../../../controller/ports.js";

export class DyingJournal implements Journal {
  readonly #journal: Journal;
  readonly #death: { readonly at: number; readonly written: boolean };
  readonly #onDeath: () => void;
  appends = 0;

  constructor(journal: Journal, death: { at: number; written: boolean }, onDeath: () => void) {
    this.#journal = journal;
    this.#death = death;
    this.#onDeath = onDeath;
  }

  append: Journal["append"] = async (runId, expectedSequence, entries) => {
    this.appends += 1;
    if (this.appends < this.#death.at) return this.#journal.append(runId, expectedSequence, entries);
    if (this.appends === this.#death.at) {
      if (this.#death.written) await this.#journal.append(runId, expectedSequence, entries);
      this.#onDeath();
    }
    return new Promise(() => {});
  };

  read: Journal["read"] = (runId, fromSequence) => this.#journal.read(runId, fromSequence);
  runs: Journal["runs"] = () => this.#journal.runs();
}
