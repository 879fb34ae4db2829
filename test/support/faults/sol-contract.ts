/** What a console over a BMC owes whoever reads it: every character once and in order, or a gap told where some are missing. */
import type { Test } from "tap";
import type { ConsoleLine, ConsoleSource, LineEvent } from "../../../agent/ports/console.js";
import { until } from "../host/processes.js";
import type { FaultyBmc } from "./faulty-bmc.js";
import { isActionable, type Refusal } from "./power-contract.js";

const lines = 300;
const mostOpenings = 12;
const withinMs = 20_000;

export interface SolExpectations {
  /** No gap, and the line does not go down. */
  readonly whole: boolean;
  /** Faults that begin when half of the text is out. */
  readonly midway?: readonly string[];
}

/** The machine talks, and goes on until its end is read; then somebody types. */
export async function solDelivers(t: Test, rig: FaultyBmc, { whole, midway = [] }: SolExpectations): Promise<void> {
  const console = rig.console({ steal: true });
  const sent: string[] = [];
  const say = (text: string) => {
    sent.push(text);
    rig.machine.serial.transmit(Buffer.from(text));
  };
  const reader = new Reader(console);
  const reading = reader.run();
  try {
    await until(() => reader.openings > 0, "the console", { withinMs });
    for (let line = 0; line < lines; line += 1) {
      say(`${line} says the machine\r\n`);
      if (line === lines / 2) rig.begin(...midway);
      if (line % 20 === 0) await breathe();
    }
    for (let end = 0; !/end \d+\r\n/.test(reader.text); end += 1) {
      if (end > 1000 || reader.failure !== undefined) throw new Error("its end was never read", { cause: reader.failure });
      say(`end ${end}\r\n`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    t.equal(untold(reader.pieces, sent.join("")), undefined, "every character once and in order, or a gap that is told");
    if (whole) t.same([reader.gaps, reader.openings], [[], 1], "no gap, and the line stood");
    await typed(t, rig, reader, whole);
  } finally {
    reader.stop();
    await console.close();
    await reading;
  }
}

/** No console: it says why. */
export async function solIsRefused(t: Test, rig: FaultyBmc, refusal: Refusal): Promise<void> {
  const console = rig.console({ steal: true });
  const error: unknown = await console.open().catch((thrown: unknown) => thrown);
  t.match(error, refusal);
  t.ok(isActionable(error), `an operator knows what to do: ${String(error)}`);
  await console.close();
}

/** The line is open, and nothing passes until the fault is healed. */
export async function solIsDeaf(t: Test, rig: FaultyBmc): Promise<void> {
  const console = rig.console();
  const line = await console.open();
  const received: string[] = [];
  rig.machine.serial.onReceive((data) => void received.push(Buffer.from(data).toString()));
  rig.machine.serial.transmit(Buffer.from("not heard"));
  const writing = line.write(Buffer.from("lost or late ")).catch(() => undefined);
  t.equal((await rig.power.read()).state, "off", "the session is fine");
  t.same(received, []);
  rig.machine.server.faults.heal();
  const first = new Promise<LineEvent>((resolve) => void line.read(resolve).catch(() => undefined));
  rig.machine.serial.transmit(Buffer.from("heard"));
  t.match(await first, { kind: "bytes", data: Buffer.from("heard") });
  await writing;
  await line.write(Buffer.from("typed"));
  t.match(received.join(""), /^(lost or late )?typed$/);
  await console.close();
}

async function typed(t: Test, rig: FaultyBmc, reader: Reader, whole: boolean): Promise<void> {
  let received = "";
  rig.machine.serial.onReceive((data) => (received += Buffer.from(data).toString("latin1")));
  const text = Array.from({ length: 30 }, (_, index) => `command ${index} and its arguments\n`).join("");
  const failure = await reader.line?.write(Buffer.from(text)).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error("thrown", { cause: error })),
  );
  if (failure === undefined) return void t.equal(received, text, "typed: once, in order, whole");
  t.notOk(whole, failure.message);
  t.ok(isActionable(failure), failure.message);
  t.ok(text.startsWith(received), "typed: once and in order, as far as it came");
}

/** Reads a console as a capture does: opens it again when it goes down, and remembers where something is missing. */
class Reader {
  /** What was read, cut at every gap. */
  readonly pieces: string[] = [""];
  readonly gaps: string[] = [];
  openings = 0;
  line: ConsoleLine | undefined;
  /** Why it reads no more. */
  failure: unknown;
  readonly #console: ConsoleSource;
  #stopped = false;

  constructor(console: ConsoleSource) {
    this.#console = console;
  }

  get text(): string {
    return this.pieces.join("");
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    for (let attempt = 0; !this.#stopped; attempt += 1) {
      try {
        if (attempt === mostOpenings) throw new Error(`the console did not stand in ${mostOpenings} attempts`);
        this.line = await this.#console.open();
        // It was let go of while it opened.
        if (this.#stopped) return await this.line.close();
        this.openings += 1;
        if (this.openings > 1) this.#gap("opened again");
        await this.line.read((event) => {
          if (event.kind === "loss") this.#gap(event.detail);
          else this.pieces.push(`${this.pieces.pop() ?? ""}${Buffer.from(event.data).toString("latin1")}`);
        });
      } catch (error) {
        if (isActionable(error)) continue;
        this.failure = error;
        return;
      }
    }
  }

  #gap(detail: string): void {
    this.gaps.push(detail);
    this.pieces.push("");
  }
}

/** What was read and never sent there, or is missing without a gap; undefined when all is well. */
function untold(pieces: readonly string[], sent: string): string | undefined {
  let from = 0;
  for (const [index, piece] of pieces.entries()) {
    const at = sent.indexOf(piece, from);
    if (at < 0 || (index === 0 && at !== 0))
      return `piece ${index}, ${JSON.stringify(piece.slice(0, 60))}…, does not follow character ${from}`;
    from = at + piece.length;
  }
  return undefined;
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
