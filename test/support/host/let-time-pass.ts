/** Lets a fake clock run until some work has ended, but never while the disk is awaited: that takes time of another kind. */
import type { FakeClock } from "../fake-clock.js";

/** Turns of the event loop without anything on its way to the disk: whoever wanted to go there again has. */
const quietTurns = 5;
const onTheWay = new Set(["FSReqPromise", "FSReqCallback", "CloseReq", "FileHandleCloseReq"]);

export async function letTimePass<T>(clock: FakeClock, work: Promise<T>, stepMs = 100): Promise<T> {
  let settled = false;
  void work.then(
    () => (settled = true),
    () => (settled = true),
  );
  for (;;) {
    await diskIdle();
    if (settled) return work;
    if (clock.pendingTimers === 0) throw new Error("the work waits for something that time does not bring");
    await clock.advance(stepMs);
  }
}

async function diskIdle(): Promise<void> {
  for (let quiet = 0; quiet < quietTurns; quiet += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (process.getActiveResourcesInfo().some((each) => onTheWay.has(each))) quiet = -1;
  }
}
