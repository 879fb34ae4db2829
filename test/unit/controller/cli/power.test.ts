import t, { type Test } from "tap";
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { labDirectory } from "../../../../controller/cli/lab-directory.js";
import { actAnswer, failedAnswer, foldAnswers, statusAnswer } from "../../../../controller/cli/power/answers.js";
import { progressWords } from "../../../../controller/cli/power/progress.js";
import { buildProgram } from "../../../../controller/cli/program.js";
import { plainStyle, type Terminal } from "../../../../controller/cli/terminal.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { DeadlineError, PermissionError, UnreachableError } from "../../../../proto/base/errors.js";
import type { PowerResult } from "../../../../proto/gen/lab/v1/power.js";
import type { FakeAgent } from "../../../support/agent/fake-agent.js";
import { startTestController } from "../../../support/agent/test-controller.js";

const lines = (answers: Parameters<typeof foldAnswers>[0]) => foldAnswers(answers).map((cells) => cells.join("  "));

function cycled(change: Partial<PowerResult> = {}): PowerResult {
  return {
    before: "on",
    after: "on",
    acted: true,
    elapsedMs: 11_200,
    replayed: false,
    consoleOffset: 0n,
    witnessed: true,
    packets: 12,
    waitedMs: 0,
    ...change,
  };
}

t.test("acts that came to the same are one line, with the range of what they took", async (t) => {
  const many = Array.from({ length: 64 }, (_, n) =>
    actAnswer(`p${n}`, "cycle", cycled({ elapsedMs: 9800 + n * 20, packets: 12 + (n % 3) })),
  );
  t.same(lines(many), ["p[0-63]  on → off → on  verified in 9.8–11.1 s · 12–14 packets each"]);
  t.same(lines([actAnswer("p0", "cycle", cycled())]), ["p0  on → off → on  verified in 11.2 s · 12 packets"]);
  t.same(lines([actAnswer("p0", "off", cycled({ after: "off", packets: 0 }))]), ["p0  on → off  verified in 11.2 s"]);
  const waited = [
    actAnswer("p0", "on", cycled({ before: "off" })),
    actAnswer("p1", "on", cycled({ before: "off", elapsedMs: 72_000, waitedMs: 60_000 })),
  ];
  t.same(lines(waited), ["p[0-1]  off → on  verified in 11.2 s–1:12, up to 1:00 of it waiting for a turn · 12 packets each"]);
});

t.test("what was nothing to do, was done before, or left no trace is told apart", async (t) => {
  const answers = [
    actAnswer("p0", "on", cycled({ acted: false })),
    actAnswer("p1", "reset", cycled()),
    actAnswer("p2", "reset", cycled({ witnessed: false })),
    actAnswer("p3", "on", cycled({ acted: false, elapsedMs: 3 })),
    actAnswer("p4", "off", cycled({ after: "off", replayed: true })),
  ];
  t.same(lines(answers), [
    "p[0,3]  on already",
    "p1  on, reset → on  verified in 11.2 s · 12 packets",
    "p2  on, reset → on  not seen happening  verified in 11.2 s · 12 packets",
    "p4  on → off  done before  verified in 11.2 s · 12 packets",
  ]);
});

t.test("failures of the same cause are one line, whatever each calls its device", async (t) => {
  const dead = (n: number) =>
    new UnreachableError(`bmc 10.0.1.${n}: no answer within 20 s; check its cable`, { facts: { bmc: `bmc 10.0.1.${n}` } });
  const answers = [
    failedAnswer("p0", dead(10)),
    failedAnswer("p1", dead(11)),
    failedAnswer("p2", new PermissionError("p2: power off: held", { facts: { node: "p2" } })),
    failedAnswer("p3", new PermissionError("p3: power off: held", { facts: { node: "p3" } })),
    failedAnswer("p4", new DeadlineError({ subject: "p4: power off", awaited: "power off", waitedMs: 1000 })),
    failedAnswer("p5", new UnreachableError("bmc 10.0.1.15: no answer within 20 s; check its cable")),
  ];
  t.same(lines(answers), [
    "p[0-1]  FAILED  no answer within 20 s; check its cable",
    "p[2-3]  FAILED  power off: held",
    "p4  FAILED  power off: waited 1.0 s for power off; nothing was seen",
    "p5  FAILED  bmc 10.0.1.15: no answer within 20 s; check its cable",
  ]);
  t.match(answers[0]?.facts, { node: "p0", code: "unreachable", error: /^bmc 10\.0\.1\.10: / }, "--json tells all of it");
});

t.test("a status tells what is held back, asked for, and wrong", async (t) => {
  const status = { state: "on", fault: false, lastEvent: "", asks: "", hold: "" };
  const answers = [
    statusAnswer("p0", status),
    statusAnswer("p1", { ...status, hold: "firmware is being written" }),
    statusAnswer("p2", { ...status, asks: "switch it off (rack 3)", fault: true }),
    statusAnswer("p3", status),
  ];
  t.same(lines(answers), [
    "p[0,3]  on",
    "p1  on, held: firmware is being written",
    "p2  on, power fault, asked for: switch it off (rack 3)",
  ]);
});

t.test("the line of progress says what is known: who has answered, and who is awaited", async (t) => {
  const open = Array.from({ length: 51 }, (_, n) => `p${n}`);
  t.equal(progressWords("cycle", 64, open, 1, 41_000), "cycle 64 nodes: 12 done, 1 failed, 51 under way or waiting · 41.0 s");
  t.equal(progressWords("cycle", 64, ["p7", "p8"], 0, 75_000), "cycle 64 nodes: 62 done, waiting for p[7-8] · 1:15");
  t.equal(progressWords("cycle", 64, [], 0, 80_000), "cycle 64 nodes: 64 done · 1:20");
});

const count = 256;
const yaml = [
  "lab: test",
  "agents: { rack1: { site: true } }",
  "defaults: { bmc: { user: admin, password: { env: LABD_TEST_BMC_PASSWORD } } }",
  "nodes:",
  ...Array.from({ length: count }, (_, n) => `  n${n}: { bmc: { address: 10.1.${n >> 8}.${n & 255} }, agent: false }`),
  "  hand: { agent: false, power: { manual: rack 3 } }",
].join("\n");

/** `lab` before a real controller; what it printed, said and threw. */
async function typist(t: Test, prepare: (agent: FakeAgent) => void = () => {}) {
  const directory = labDirectory({}, t.testdir({}));
  const lab = await startTestController(t, { yaml, state: join(directory.path, "controller") });
  const rack1 = await lab.agent("rack1");
  prepare(rack1);
  return async (words: readonly string[], how: { interactive?: boolean; onNote?: (line: string) => void } = {}) => {
    const printed: string[] = [];
    const notes: string[] = [];
    const written: string[] = [];
    const terminal: Terminal = {
      print: (line) => void printed.push(line),
      write: (text) => void written.push(text),
      note: (line) => {
        notes.push(line);
        how.onNote?.(line);
      },
      interactive: how.interactive ?? false,
      columns: 120,
      rows: 50,
      style: plainStyle,
    };
    const { signal } = new AbortController();
    setMaxListeners(0, signal);
    const program = buildProgram(async (work, { json }) => work({ terminal, clock: systemClock, env: {}, directory, json, signal }), "0");
    const error = await program.parseAsync([...words], { from: "user" }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { printed, notes, written: written.join(""), error };
  };
}

t.test(
  "256 nodes are asked and switched at once, and told in a line each outcome; one that fails keeps nobody from being told",
  async (t) => {
    const lab = await typist(t, (agent) => {
      agent.holds.set("n3", "firmware");
      agent.onPower = async (node) => {
        if (node === "n7") throw new UnreachableError("bmc 10.1.0.7: no answer", { facts: { bmc: "bmc 10.1.0.7" } });
      };
    });
    t.same((await lab(["power", "status", "n*"])).printed, ["n[0-2,4-255]  off", "n3            off, held: firmware"]);
    const acted = await lab(["power", "on", "n*", "--yes"], { interactive: true });
    t.same(acted.printed, ["n[0-6,8-255]  off → on  verified in 0.0 s · 2 packets each", "n7            FAILED  no answer"]);
    t.match(acted.error, { code: "unreachable", message: "power on failed on n7" });
    t.match(acted.written, /on 256 nodes: \d+ done/);
    t.ok(acted.written.endsWith("\r\u001b[2K"), "and the line of progress is gone at the end");
    const facts = (await lab(["--json", "power", "status", "n*"])).printed.map(
      (line) => JSON.parse(line) as { node: string; state: string },
    );
    t.equal(new Set(facts.map(({ node }) => node)).size, count);
    t.equal(facts.filter(({ state }) => state === "on").length, count - 1);
  },
);

t.test("who switches by hand is told what is asked for, and gives their word", async (t) => {
  let confirmed = () => {};
  const word = new Promise<void>((resolve) => (confirmed = resolve));
  const lab = await typist(t, (agent) => {
    agent.onPower = async (node) => {
      if (node !== "hand") return;
      agent.asks.set(node, "switch it on (rack 3)");
      await word;
    };
  });
  let answer: Promise<unknown> = Promise.resolve();
  const onNote = () => {
    answer = lab(["power", "confirm", "hand", "on"]).then((typed) => {
      t.same(typed.printed, ["hand  on, by your word"]);
      confirmed();
    });
  };
  const acted = await lab(["power", "on", "hand,n1"], { onNote });
  await answer;
  t.same(acted.notes, ["hand: please switch it on (rack 3); then say: lab power confirm hand on|off"]);
  t.equal(acted.error, undefined);
  t.match(acted.printed[0], /^hand  on already|^n1 /);
});
