/** Watches a run to its end: a live picture on a terminal, one plain line an event in a pipe, one object a line with --json. */
import type { Timer } from "../../../proto/base/clock.js";
import { FailedError, UnreachableError } from "../../../proto/base/errors.js";
import type { RunEvent } from "../../../proto/gen/lab/v1/deployment.js";
import type { Connection } from "../connection.js";
import type { Context } from "../context.js";
import { toJson } from "../json.js";
import { timeOfDay } from "../units.js";
import { evidenceCells, failureLines } from "./run-lines.js";
import { runScreen } from "./run-screen.js";
import { emptyRun, foldRun, type RunView } from "./run-view.js";

const frameMs = 120;
/** A broken stream is taken up again where it ended, this often in a row. */
const maxResumes = 30;

/** The finished run. Throws when the signal aborts: the run itself goes on. */
export async function watchRun(context: Context, lab: Connection, id: string, signal: AbortSignal): Promise<RunView> {
  const printer = context.json ? jsonPrinter(context) : context.terminal.interactive ? new Screen(context) : plainPrinter(context);
  let view = emptyRun;
  let next = 0n;
  try {
    for (let resumes = 0; view.ended === ""; resumes += 1) {
      try {
        for await (const event of lab.deployments.watchRun({ id, fromSequence: next }, { signal })) {
          if (event.sequence > 0n) next = event.sequence + 1n;
          view = foldRun(view, event);
          printer.tell(event, view);
          resumes = 0;
          if (view.ended !== "") break;
        }
        if (view.ended === "") throw new FailedError(`run ${id}: the stream of events ended before the run did`);
      } catch (error) {
        if (signal.aborted || !(error instanceof UnreachableError || error instanceof FailedError) || resumes >= maxResumes) throw error;
        printer.note("the controller does not answer; trying again");
        await new Promise<void>((resolve) => void context.clock.after(1000, resolve));
      }
    }
  } finally {
    printer.close();
  }
  return view;
}

interface Printer {
  tell(event: RunEvent, view: RunView): void;
  note(text: string): void;
  close(): void;
}

function jsonPrinter(context: Context): Printer {
  return { tell: (event) => context.terminal.print(toJson(event)), note: (text) => context.terminal.note(text), close: () => undefined };
}

function plainPrinter(context: Context): Printer {
  const print = (timeMs: bigint, text: string) => context.terminal.print(`${timeOfDay(Number(timeMs))} ${text}`);
  return {
    tell(event, view) {
      for (const line of plainLines(event, view, context)) print(event.timeMs, line);
    },
    note: (text) => context.terminal.note(text),
    close: () => undefined,
  };
}

function plainLines(told: RunEvent, view: RunView, context: Context): string[] {
  const event = told.event;
  const title = (id: string) => view.steps.find((each) => each.step.id === id)?.step.title ?? "";
  switch (event?.$case) {
    case "planned":
      return [`planned   ${event.value.title}, ${event.value.steps.length} steps`];
    case "stepBegan":
      return [`began     ${event.value}  ${title(event.value)}`];
    case "stepSucceeded":
      return [`done      ${event.value}`];
    case "stepStanding":
      return [`done      ${event.value}  stands already`];
    case "rescue": {
      const { step, title, state, summary } = event.value;
      return [state === "running" ? `rescue    ${step}  ${title}` : `rescue    ${summary}`];
    }
    case "evidence":
      return [
        `evidence  ${evidenceCells(event.value)
          .filter((each) => each !== "")
          .join("  ")}`,
      ];
    case "failed":
      return failureLines(event.value, context.terminal.style);
    case "resumed":
      return [`resumed   ${event.value}`];
    case "cancelling":
      return [`stopping  ${event.value}`];
    case "ended":
      return [`ended     ${event.value}`];
    default:
      return [];
  }
}

/** Redraws its lines in place; what is finished stays where it is when it closes. */
class Screen implements Printer {
  readonly #context: Context;
  #view: RunView = emptyRun;
  #drawn = 0;
  #frame = 0;
  #timer: Timer | undefined;
  #note = "";
  #offsetMs = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#tick();
  }

  tell(event: RunEvent, view: RunView): void {
    this.#view = view;
    this.#note = "";
    // The picture counts in the controller's time.
    this.#offsetMs = Number(event.timeMs) - this.#context.clock.now();
  }

  note(text: string): void {
    this.#note = text;
  }

  close(): void {
    this.#timer?.cancel();
    this.#draw();
  }

  #tick(): void {
    this.#draw();
    this.#timer = this.#context.clock.after(frameMs, () => this.#tick());
  }

  #draw(): void {
    const { terminal, clock } = this.#context;
    const columns = Math.max(20, terminal.columns - 1);
    const picture = runScreen(this.#view, { nowMs: clock.now() + this.#offsetMs, columns, style: terminal.style, frame: this.#frame });
    const told = this.#note === "" ? picture : [...picture, ` ${terminal.style.yellow(this.#note)}`];
    // What does not fit cannot be redrawn: the newest part is shown.
    const lines = told.slice(-Math.max(1, terminal.rows - 1));
    this.#frame += 1;
    const up = this.#drawn === 0 ? "" : `\u001b[${this.#drawn}A`;
    terminal.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join("")}\u001b[0J`);
    this.#drawn = lines.length;
  }
}
