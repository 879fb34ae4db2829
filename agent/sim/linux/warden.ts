/**
 * `warden.js MARK`: outlives the simulator that started it just long enough to kill the processes of its machines. Its standard input
 * is a pipe from the simulator, which ends however that ends, SIGKILL included.
 */
import { systemClock } from "../../../proto/base/clock.js";
import { killMarkedProcesses } from "./marked-processes.js";

const [, , mark] = process.argv;
process.stdin.resume();
process.stdin.on("end", () => {
  if (mark !== undefined && mark !== "") void killMarkedProcesses(mark, systemClock);
});
