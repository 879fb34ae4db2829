import t from "tap";
import { lineOf } from "../../../../controller/cli/commands/tail.js";
import { ConsoleLines, printable } from "../../../../controller/cli/console/console-lines.js";
import { EscapeKeys } from "../../../../controller/cli/console/escape-keys.js";
import { TimeMerge } from "../../../../controller/cli/console/time-merge.js";
import { plainStyle } from "../../../../controller/cli/terminal.js";
import type { ConsoleEvent } from "../../../../proto/gen/lab/v1/console.js";

const data = (offset: bigint, text: string, timeMs: bigint): ConsoleEvent => ({
  event: { $case: "data", value: { offset, data: Buffer.from(text, "latin1"), timeMs } },
});

t.test("lines are assembled over chunks, with the offset and time of their first byte", async (t) => {
  const lines = new ConsoleLines("p0");
  t.same(
    lines.push(data(10n, "one\r\ntw", 100n)).map(({ text, offset, timeMs }) => ({ text, offset, timeMs })),
    [{ text: "one", offset: 10n, timeMs: 100 }],
  );
  t.same(
    lines.push(data(17n, "o\r\nlogin: ", 200n)).map(({ text, offset, timeMs }) => ({ text, offset, timeMs })),
    [{ text: "two", offset: 15n, timeMs: 100 }],
  );
  t.ok(lines.hasRest);
  t.match(lines.flush(), [{ text: "login: ", offset: 20n, timeMs: 200 }]);
  t.same(lines.flush(), []);
});

t.test("a gap ends the line that stood and says what is lost", async (t) => {
  const lines = new ConsoleLines("p0");
  lines.push(data(0n, "half", 1n));
  const gap: ConsoleEvent = {
    event: {
      $case: "gap",
      value: { offset: 4n, cause: "overrun", detail: "BMC reported SOL overrun", fromMs: 2n, toMs: 2n, lostBytes: 212n },
    },
  };
  t.same(
    lines.push(gap).map((each) => each.text),
    ["half", "gap: 212 bytes lost, overrun: BMC reported SOL overrun"],
  );
});

t.test("a site agent that is away ends the line that stood, and is said to be waited for", async (t) => {
  const lines = new ConsoleLines("p0");
  const site = (connected: boolean): ConsoleEvent => ({ event: { $case: "site", value: { agent: "rack1", connected, timeMs: 7n } } });
  lines.push(data(10n, "half", 1n));
  t.match(lines.push(site(false)), [
    { kind: "line", text: "half", offset: 10n },
    { kind: "site", text: "site agent rack1 is away; waiting", offset: 14n, timeMs: 7 },
  ]);
  const back = lines.push(site(true))[0];
  t.ok(back);
  if (back !== undefined) t.equal(lineOf(back, 0, 2, false, plainStyle), "p0 ┄┄ site agent rack1 is back ┄┄");
});

t.test("what a serial line carries cannot drive the terminal", async (t) => {
  t.equal(printable(Buffer.from("\u001b[2J\u001b[31mred\u001b[0m\u0007\tx\r")), "red\\x07\tx");
  t.equal(printable(Buffer.from([0x41, 0xc3, 0xac, 0x02])), "A\u00ec\\x02");
  t.equal(printable(Buffer.from([0x41, 0xff, 0xfe])), "A\\xff\\xfe");
});

t.test("history merges strictly by time; a silent live console holds up nobody", async (t) => {
  const merge = new TimeMerge();
  const [a, b] = [merge.add(), merge.add()];
  const text = (node: string, timeMs: number) => ({ node, timeMs, offset: 0n, kind: "line" as const, text: String(timeMs) });
  merge.push(a, text("a", 5));
  t.same(merge.take(), [], "b may still tell something older");
  merge.push(b, text("b", 3));
  t.same(
    merge.take().map((each) => each.text),
    ["3"],
  );
  merge.markLive(b);
  t.same(
    merge.take().map((each) => each.text),
    ["5"],
  );
  merge.markLive(a);
  merge.push(b, text("b", 9));
  t.same(
    merge.take().map((each) => each.text),
    ["9"],
  );
});

t.test("a tilde counts at the start of a line only, over any splitting of the keys", async (t) => {
  const run = (...chunks: string[]) => {
    const keys = new EscapeKeys();
    return chunks
      .flatMap((chunk) => keys.push(Buffer.from(chunk)))
      .map((each) => (each.kind === "send" ? Buffer.from(each.bytes).toString() : each.kind));
  };
  t.same(run("~."), ["leave"]);
  t.same(run("ls ~.\r"), ["ls ~.\r"]);
  t.same(run("ls\r", "~", "."), ["ls\r", "leave"]);
  t.same(run("~~x"), ["~x"]);
  t.same(run("\r~b~?"), ["\r", "break", "help"]);
  t.same(run("~x"), ["~x"]);
});
