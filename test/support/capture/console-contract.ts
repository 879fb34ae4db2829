/** What every ConsoleSource must do: run over each driver, and over the fake that stands for them in other tests. */
import type { Test } from "tap";
import type { ConsoleLine, ConsoleSource, LineEvent } from "../../../agent/ports/console.js";
import { lineEvents } from "./line-events.js";
import { CancelledError, UnreachableError, UnsupportedError } from "../../../proto/base/errors.js";

/** A source and the far end of its line, in the hands of the test. */
export interface LineUnderTest {
  readonly source: ConsoleSource;
  /** Like `source`, with nothing at its far end. */
  readonly nothingThere: ConsoleSource;
  /** The machine prints. */
  readonly print: (data: Uint8Array) => void | Promise<void>;
  /** What the machine received so far; undefined where the line cannot be written. */
  readonly received?: () => Buffer;
  /** Durations of the BREAKs that arrived; undefined where the line has none. */
  readonly breaks?: () => readonly number[];
  /** The far end goes away and comes back: the line is down, and can be opened again. */
  readonly hangUp: () => void | Promise<void>;
}

export function consoleContract(t: Test, name: string, make: (t: Test) => Promise<LineUnderTest>): void {
  t.test(`${name}: tells bytes in order, each once`, async (t) => {
    const { source, print } = await make(t);
    const line = await opened(t, source);
    const sent = Buffer.from(Array.from({ length: 5_000 }, (_, index) => index % 256));
    const reading = readBytes(line, sent.length);
    for (let at = 0; at < sent.length; at += 617) await print(sent.subarray(at, at + 617));
    t.ok((await reading).equals(sent));
  });

  t.test(`${name}: a hang-up ends the events or throws UnreachableError, and the line opens again`, async (t) => {
    const { source, print, hangUp } = await make(t);
    const first = await opened(t, source);
    const reading = readAll(first);
    await hangUp();
    const failure = await reading;
    t.ok(failure === undefined || failure instanceof UnreachableError, String(failure));
    await first.close();
    const second = await opened(t, source);
    const again = readBytes(second, 5);
    await print(Buffer.from("again"));
    t.equal((await again).toString(), "again");
  });

  t.test(`${name}: opening a line that is not there throws UnreachableError that names it`, async (t) => {
    const { nothingThere } = await make(t);
    const failure = await nothingThere.open().catch((error: Error) => error);
    t.type(failure, UnreachableError);
    t.ok((failure as Error).message.startsWith(nothingThere.label), (failure as Error).message);
  });

  t.test(`${name}: a cancelled open throws CancelledError`, async (t) => {
    const { source } = await make(t);
    const cancel = new AbortController();
    cancel.abort();
    await t.rejects(source.open({ signal: cancel.signal }), CancelledError);
  });

  t.test(`${name}: closing ends who waits for events, twice is once, and nothing can be written after`, async (t) => {
    const { source, received } = await make(t);
    const line = await opened(t, source);
    const reading = readAll(line);
    await line.close();
    await line.close();
    t.equal(await reading, undefined);
    if (received !== undefined) await t.rejects(line.write(Buffer.from("late")), UnreachableError);
  });

  t.test(`${name}: writes arrive, or are refused as unsupported`, async (t) => {
    const { source, received } = await make(t);
    const line = await opened(t, source);
    if (received === undefined) return t.rejects(line.write(Buffer.from("x")), UnsupportedError);
    await Promise.all(["one ", "two ", "three"].map((text) => line.write(Buffer.from(text))));
    while (received().length < 13) await new Promise((resolve) => setImmediate(resolve));
    return t.equal(received().toString(), "one two three");
  });

  t.test(`${name}: a BREAK arrives, or is refused as unsupported`, async (t) => {
    const { source, breaks } = await make(t);
    const line = await opened(t, source);
    if (breaks === undefined) return t.rejects(line.sendBreak(250), UnsupportedError);
    await line.sendBreak(250);
    return t.same(breaks(), [250]);
  });
}

async function opened(t: Test, source: ConsoleSource): Promise<ConsoleLine> {
  const line = await source.open();
  t.teardown(() => line.close());
  return line;
}

/** The first `count` bytes; the line stays open. */
async function readBytes(line: ConsoleLine, count: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const events = lineEvents(line)[Symbol.asyncIterator]();
  while (length < count) {
    const next: IteratorResult<LineEvent> = await events.next();
    if (next.done) break;
    if (next.value.kind !== "bytes") continue;
    chunks.push(next.value.data);
    length += next.value.data.length;
  }
  return Buffer.concat(chunks);
}

/** Reads to the end; returns what it ended with. */
async function readAll(line: ConsoleLine): Promise<unknown> {
  try {
    await line.read(() => undefined);
    return undefined;
  } catch (error) {
    return error;
  }
}
