import t from "tap";
import { ConsoleEvents } from "../../../../controller/api/console-events.js";
import { EventBus } from "../../../../controller/api/event-bus.js";
import type { ConsoleNotice } from "../../../../proto/gen/lab/v1/console.js";
import { labOf, labYaml } from "../../../support/agent/agent-lab.js";
import { FakeClock } from "../../../support/fake-clock.js";

type Notice = NonNullable<ConsoleNotice["notice"]>;
const line = (state: string, reason = ""): Notice => ({ $case: "line", value: { state, reason } });
const gap = (cause: string, toMs: bigint): Notice => ({
  $case: "gap",
  value: { offset: 7n, cause, detail: "flag", fromMs: 1000n, toMs, lostBytes: 212n },
});

async function published(notices: readonly (readonly [agent: string, node: string, notice: Notice | undefined])[]): Promise<string[]> {
  const bus = new EventBus(new FakeClock());
  const stop = new AbortController();
  const events = bus.watch({ signal: stop.signal });
  const heard: string[] = [];
  const listening = (async () => {
    for await (const { kind, node, text } of events) heard.push(`${kind} ${node} ${text}`);
  })();
  const told = new ConsoleEvents(labOf(labYaml), bus);
  for (const [agent, node, notice] of notices) told.tell(agent, { node, notice });
  stop.abort();
  await listening;
  return heard;
}

t.test("a line is an event when it comes up or goes down, not while it is tried or its reason changes", async (t) => {
  const states = [
    line("connecting"),
    line("up"),
    line("up"),
    line("down", "no route"),
    line("down", "no answer"),
    line("connecting"),
    line("up"),
  ];
  t.same(await published(states.map((state) => ["rack1", "p0", state] as const)), [
    "console-up p0 console is up",
    "console-down p0 console is down: no route",
    "console-up p0 console is up",
  ]);
});

t.test("gaps are told with what was lost; that of a line that is down when it has ended", async (t) => {
  const gaps = [gap("overrun", 1000n), gap("disk-full", 0n), gap("line-down", 0n), gap("line-down", 3500n)];
  t.same(await published(gaps.map((each) => ["rack1", "p0", each] as const)), [
    "console-gap p0 gap at 7: 212 bytes lost, overrun: flag",
    "console-gap p0 gap at 7: 212 bytes lost, disk-full, not over yet: flag",
    "console-gap p0 gap at 7: 212 bytes lost, line-down for 2.5 s: flag",
  ]);
});

t.test("boots are told; what is another agent's, or unknown, is passed over", async (t) => {
  const boot: Notice = { $case: "boot", value: { epoch: 3, offset: 0n, cause: "power", detail: "cycle", timeMs: 0n } };
  t.same(
    await published([
      ["rack2", "p0", boot],
      ["rack1", "board", boot],
      ["rack1", "p0", undefined],
      ["rack1", "m0", boot],
    ]),
    ["boot m0 boot 3: power: cycle"],
  );
});
