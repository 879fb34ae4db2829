import t, { type Test } from "tap";
import { join } from "node:path";
import { eventLine, printEvents } from "../../../../controller/cli/commands/events.js";
import { labDirectory } from "../../../../controller/cli/lab-directory.js";
import { colourStyle, plainStyle, type Terminal } from "../../../../controller/cli/terminal.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { startTestController } from "../../../support/agent/test-controller.js";

const at = (kind: string, node: string, text: string) => ({
  timeMs: BigInt(new Date(2026, 10, 21, 3, 13, 20, 114).getTime()),
  kind,
  node,
  text,
});

t.test("an event is a line: time, kind, node, what happened", async (t) => {
  t.equal(
    eventLine(at("console-down", "p0", "console is down: no route"), plainStyle),
    "03:13:20.114 console-down    p0       console is down: no route",
  );
  t.equal(
    eventLine(at("agent-connected", "", "agent rack1 connected"), plainStyle),
    "03:13:20.114 agent-connected –        agent rack1 connected",
  );
  t.match(eventLine(at("agent-lost", "", "agent rack1 lost"), colourStyle), "\u001b[33magent-lost");
});

/** What is printed of events of p0, until the first line came. */
async function printed(t: Test, json: boolean): Promise<string[]> {
  const directory = labDirectory({}, t.testdir({}));
  const lab = await startTestController(t, { state: join(directory.path, "controller") });
  const stop = new AbortController();
  const lines: string[] = [];
  const unused = () => {};
  const terminal: Terminal = {
    print: (line) => {
      lines.push(line);
      stop.abort();
    },
    write: unused,
    note: unused,
    interactive: false,
    columns: 80,
    rows: 24,
    style: plainStyle,
  };
  const printing = printEvents({ terminal, clock: systemClock, env: {}, directory, json, signal: stop.signal }, "p0");
  // The watch has begun when its first event arrives.
  while (lines.length === 0) {
    lab.controller.events.publish("boot", "m0", "not asked for");
    lab.controller.events.publish("boot", "p0", "boot 3: power: cycle");
    await new Promise((resolve) => setImmediate(resolve));
  }
  await printing;
  return lines;
}

t.test("lab events prints what happens to the nodes asked for, until it is stopped", async (t) => {
  t.match((await printed(t, false))[0], /^\d\d:\d\d:\d\d\.\d{3} boot            p0       boot 3: power: cycle$/);
});

t.test("with --json it prints the same facts", async (t) => {
  t.match(JSON.parse((await printed(t, true))[0] ?? ""), { timeMs: Number, kind: "boot", node: "p0", text: "boot 3: power: cycle" });
});
