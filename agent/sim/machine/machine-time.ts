/** Time as a simulated machine lives it: its own milliseconds, `speedUp` of them in one of ours. */
import type { Clock } from "../../../proto/base/clock.js";
import type { MachineTime } from "../kernel.js";

export function machineTime(clock: Clock, speedUp: number): MachineTime {
  return { clock, speedUp, after: (machineMs, fire) => clock.after(machineMs / speedUp, fire) };
}
