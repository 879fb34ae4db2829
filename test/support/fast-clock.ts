/**
 * Real time that runs faster: a wait of ten seconds takes one. For tests over real sockets whose both ends keep time by the same clock,
 * so that what they say about their patience stays as it is in use.
 */
import { type Clock, systemClock } from "../../proto/base/clock.js";

export function fastClock(times: number): Clock {
  const [beganMs, beganMonotonicMs] = [systemClock.now(), systemClock.monotonicMs()];
  return {
    now: () => beganMs + (systemClock.now() - beganMs) * times,
    monotonicMs: () => beganMonotonicMs + (systemClock.monotonicMs() - beganMonotonicMs) * times,
    after: (delayMs, fire, options) => systemClock.after(delayMs / times, fire, options),
  };
}
