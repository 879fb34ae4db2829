import t from "tap";
import { sleep } from "../../../../proto/base/clock.js";
import { FailedError, UnreachableError } from "../../../../proto/base/errors.js";
import { whileUnreachable } from "../../../../controller/deploy/reach.js";
import { FakeClock } from "../../../support/fake-clock.js";

const minute = 60_000;
const build = { subject: "m0", awaited: "make", deadlineMs: 30 * minute };

/** Attempts of these kinds in turn, the last one again and again: an agent that is away is waited for ten seconds. */
function attempts(clock: FakeClock, ...kinds: readonly ("away" | "lost after 10 min" | "never ends" | "done")[]) {
  let n = 0;
  const attempt = async () => {
    const kind = kinds[Math.min(n++, kinds.length - 1)];
    if (kind === "done") return "done";
    if (kind === "never ends") await new Promise(() => undefined);
    await sleep(clock, kind === "away" ? 10_000 : 10 * minute);
    throw new UnreachableError("agent m0: not connected (waited 10 s)");
  };
  const { signal } = new AbortController();
  return whileUnreachable({ clock, signal }, build, attempt);
}

void t.test("an agent that comes back in time is asked again", async (t) => {
  const clock = new FakeClock();
  const asked = attempts(clock, "away", "away", "away", "done");
  await clock.advance(minute);
  t.equal(await asked, "done");
});

void t.test("an agent that stays away is given up after five minutes, however long the act may take", async (t) => {
  const clock = new FakeClock();
  const asked = t.rejects(attempts(clock, "away"), {
    code: "unreachable",
    message: "m0: could not be reached for 300 s to make; check power, cable and agent",
    cause: { message: /agent m0: not connected/ },
  });
  await clock.advance(6 * minute);
  await asked;
  t.equal(clock.pendingTimers, 0);
});

void t.test("the five minutes begin when it was lost, not when it was first asked", async (t) => {
  const clock = new FakeClock();
  const away = Array.from({ length: 20 }, () => "away" as const);
  const asked = attempts(clock, ...away, "lost after 10 min", ...away, "done");
  await clock.advance(29 * minute);
  t.equal(await asked, "done");
});

void t.test("an act of less time is given up when that is over", async (t) => {
  const clock = new FakeClock();
  const { signal } = new AbortController();
  const attempt = () => Promise.reject(new UnreachableError("bmc p0: no answer"));
  const asked = t.rejects(whileUnreachable({ clock, signal }, { ...build, deadlineMs: minute }, attempt), {
    code: "unreachable",
    message: /^m0: could not be reached for 60 s to make/,
  });
  await clock.advance(2 * minute);
  await asked;
});

void t.test("an agent that was away for a moment is not blamed for an act that does not end", async (t) => {
  const clock = new FakeClock();
  const asked = t.rejects(attempts(clock, "away", "never ends"), { code: "deadline", message: /waited 1800.0 s for make/ });
  await clock.advance(31 * minute);
  await asked;
});

void t.test("what is wrong for another reason is not asked again", async (t) => {
  const clock = new FakeClock();
  const { signal } = new AbortController();
  await t.rejects(
    whileUnreachable({ clock, signal }, build, () => Promise.reject(new FailedError("no"))),
    { code: "failed" },
  );
});
