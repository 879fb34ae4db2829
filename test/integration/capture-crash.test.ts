import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import t from "tap";
import { ConsoleLog } from "../../agent/capture/console-log.js";
import type { Gap } from "../../agent/capture/events.js";
import { follow } from "../../agent/capture/follow.js";
import { systemClock } from "../../proto/base/clock.js";
import { collect } from "../support/capture/following.js";

const child = fileURLToPath(new URL("../support/capture/crash-child.js", import.meta.url));

interface Round {
  /** Offset the log ended at when the child had opened it. */
  start: number;
  /** Greatest offset a follower had been told, and when we read that. */
  told: number;
  toldMs: number;
  gaps: number[];
  killedMs: number;
}

/** Runs a site agent, and kills it in the midst of writing once it has told `chunks` chunks. */
async function runAndKill(directory: string, chunks: number): Promise<Round> {
  const agent = spawn(process.execPath, [child, directory], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(agent, "exit");
  const round: Round = { start: 0, told: 0, toldMs: 0, gaps: [], killedMs: 0 };
  let left = chunks;
  for await (const line of createInterface({ input: agent.stdout })) {
    const [what, offset] = line.split(" ");
    if (what === "start") round.start = Number(offset);
    if (what === "gap") round.gaps.push(Number(offset));
    if (what !== "bytes") continue;
    round.told = Number(offset);
    if (round.killedMs === 0) round.toldMs = Date.now();
    left -= 1;
    if (left > 0 || round.killedMs > 0) continue;
    agent.kill("SIGKILL");
    round.killedMs = Date.now();
  }
  await exited;
  return round;
}

t.test("kill -9 in the midst of writing loses nothing a follower was told, and leaves a gap from then to the restart", async (t) => {
  const directory = t.testdir();
  const rounds: Round[] = [];
  for (const chunks of [25, 3, 60, 40]) rounds.push(await runAndKill(directory, chunks));

  const log = new ConsoleLog(join(directory, "p0"), { clock: systemClock, segmentBytes: 32 * 1024 });
  const events = await collect(follow(log, { from: { offset: 0 }, live: false }));
  let next = 0;
  let wrong = 0;
  for (const event of events) {
    if (event.kind !== "data") continue;
    if (event.offset !== next) wrong += 1;
    for (const byte of event.data) {
      if (byte !== next % 251) wrong += 1;
      next += 1;
    }
  }
  t.equal(wrong, 0, "every stored byte is the byte that arrived, at its own offset");
  t.equal(next, log.end);

  const gaps = events.filter((event): event is Gap => event.kind === "gap");
  const down = gaps.filter(({ cause }) => cause === "agent-down");
  const overruns = new Set(gaps.filter(({ cause }) => cause === "overrun").map(({ offset }) => offset));
  t.equal(down.length, rounds.length, "one gap for each kill");
  rounds.forEach((round, index) => {
    const end = rounds[index + 1]?.start ?? log.end;
    const gap = down[index];
    t.ok(round.told <= end, `round ${index}: told ${round.told} bytes, ${end} are there`);
    t.ok(
      round.gaps.every((offset) => overruns.has(offset)),
      `round ${index}: every gap that was told is there`,
    );
    t.equal(gap?.offset, end, `round ${index}: the gap is where the bytes end`);
    t.ok(
      gap !== undefined && gap.fromMs <= round.killedMs && gap.fromMs >= round.toldMs - 5_000,
      `round ${index}: it begins before the kill`,
    );
    t.ok(gap !== undefined && gap.toMs >= round.killedMs, `round ${index}: it ends after the kill`);
  });
  log.close();
});
